package gateway_test

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"

	"github.com/molva-ws/molva/gateway"
)

const testKey = "0123456789abcdef"

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

// call is a request to the HTTP API.
type call struct {
	method, path, body string
	header             http.Header // nil: the key
}

func get(path string) call        { return call{method: http.MethodGet, path: path} }
func post(path, body string) call { return call{method: http.MethodPost, path: path, body: body} }

// with adds a header.
func (c call) with(name string, values ...string) call {
	c.header = maps.Clone(c.header)
	if c.header == nil {
		c.header = http.Header{"Authorization": {"Bearer " + testKey}}
	}
	c.header[name] = values
	return c
}

func (c call) request(t testing.TB, base string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), c.method, base+c.path, strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	if r.Header = c.header; r.Header == nil {
		r.Header = http.Header{"Authorization": {"Bearer " + testKey}}
	}
	if c.body != "" && r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

// fetch asks a server and returns the response with its body.
func (c call) fetch(t testing.TB, base string) (*http.Response, []byte) {
	t.Helper()
	response, err := http.DefaultClient.Do(c.request(t, base))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, body
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
func (c *contract) bad(one call, status int, code gateway.ErrorCode) {
	c.t.Helper()
	got, body := c.ask(one)
	var a gateway.Answer
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
