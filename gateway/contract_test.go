//go:build openapi

// The validator takes minutes to compile, hence the tag:
//
//	go test -tags openapi -run "Described|Description" ./gateway

package gateway_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"

	"github.com/molva-ws/molva/gateway/api"
)

// contract is the OpenAPI description, held against a server.
type contract struct {
	t     *testing.T
	text  []byte
	rules validator.Validator
	base  string          // of the server
	seen  map[string]bool // method, path and status of all answers
}

func newContract(t *testing.T, base string) *contract {
	t.Helper()
	text, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	document, err := libopenapi.NewDocument(text)
	if err != nil {
		t.Fatal(err)
	}
	rules, errs := validator.NewValidator(document)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	t.Cleanup(rules.Release)
	return &contract{t: t, text: text, rules: rules, base: base, seen: make(map[string]bool)}
}

// allows reports whether the description knows such a request.
func (c *contract) allows(one call) bool {
	ok, _ := c.rules.ValidateHttpRequest(one.request(c.t, c.base))
	return ok
}

// ask asks the server, and checks that the description has such an answer.
func (c *contract) ask(one call) (status int, body []byte) {
	c.t.Helper()
	response, body := one.fetch(c.t, c.base)
	response.Body = io.NopCloser(bytes.NewReader(body))
	if ok, problems := c.rules.ValidateHttpResponse(one.request(c.t, c.base), response); !ok {
		for _, problem := range problems {
			c.t.Errorf("%s %s: %s is not as described: %v", one.method, one.path, body, problem)
		}
	}
	path, _, _ := strings.Cut(one.path, "?")
	c.seen[one.method+" "+path+" "+response.Status[:3]] = true
	return response.StatusCode, body
}

// good is a request that is described and done.
func (c *contract) good(one call) []byte {
	c.t.Helper()
	if !c.allows(one) {
		c.t.Errorf("%s %s %s is not described", one.method, one.path, one.body)
	}
	status, body := c.ask(one)
	if status != 200 || !bytes.Contains(body, []byte(`"ok":true`)) {
		c.t.Errorf("%s %s %s: %d %s", one.method, one.path, one.body, status, body)
	}
	return body
}

// bad is a request that gets an error.
func (c *contract) bad(one call, status int, code api.ErrorCode) {
	c.t.Helper()
	got, body := c.ask(one)
	var a api.Answer
	if err := json.Unmarshal(body, &a); err != nil {
		c.t.Errorf("%s %s: %q: %v", one.method, one.path, body, err)
	}
	if got != status || a.Error != code || a.OK {
		c.t.Errorf("%s %s %.200s: %d %s; want %d %s", one.method, one.path, one.body, got, body, status, code)
	}
}

// described yields method, path and operation of all that is described.
func (c *contract) described(yield func(method, path string, o operation)) {
	var document struct {
		Paths map[string]map[string]operation
	}
	if err := json.Unmarshal(c.text, &document); err != nil {
		c.t.Fatal(err)
	}
	for path, operations := range document.Paths {
		for method, o := range operations {
			yield(strings.ToUpper(method), path, o)
		}
	}
}

type operation struct {
	Parameters []struct {
		Name, In string
		Example  any
	}
	RequestBody struct {
		Content map[string]struct{ Example json.RawMessage }
	}
	Responses map[string]json.RawMessage
}

// example returns the request that the description shows.
func (o operation) example(method, path string) call {
	query := make(url.Values)
	for _, p := range o.Parameters {
		if p.In == "query" && p.Example != nil {
			text, _ := json.Marshal(p.Example)
			query.Set(p.Name, strings.Trim(string(text), `"`))
		}
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return call{method: method, path: path, body: string(o.RequestBody.Content["application/json"].Example)}
}
