//go:build openapi

package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/api"
)

func TestTheDescriptionOfTheAPIIsCorrect(t *testing.T) {
	g := &gateway.Gateway{Keys: []string{testKey}}
	c := newContract(t, "http://"+open(t, g))
	if ok, problems := c.rules.ValidateDocument(); !ok {
		for _, problem := range problems {
			t.Error(problem)
		}
	}
	if _, served := c.ask(get("/api/openapi.json")); !bytes.Equal(served, c.text) {
		t.Error("another description is served")
	}
}

// TestTheAPIIsAsDescribed asks for all that the description has, in every way, and demands each answer that it has.
func TestTheAPIIsAsDescribed(t *testing.T) {
	g := &gateway.Gateway{Keys: []string{testKey}}
	c := newContract(t, "http://"+open(t, g))
	addr := strings.TrimPrefix(c.base, "http://")
	user := connect(t, addr, "42")
	user.must(`{"type":"join","room":"lobby"`)
	connect(t, addr, "")
	c.described(func(method, path string, o operation) {
		example := o.example(method, path)
		if path != "/api/openapi.json" && path != "/api/disconnect" {
			c.good(example)
		}
		c.bad(example.with("Authorization"), 401, api.ErrUnauthorized)
		if _, ok := o.Responses["400"]; ok && method == http.MethodGet {
			c.bad(get(path+"?limit=many"), 400, api.ErrBadField)
		}
		if method != http.MethodPost {
			return
		}
		c.bad(post(path, `{"user":`), 400, api.ErrBadJSON)
		large := 1 << 20
		if path == "/api/batch" {
			large = 16 << 20
		}
		c.bad(post(path, `"`+strings.Repeat("a", large)+`"`), 413, api.ErrTooLarge)
	})
	c.ask(get("/api/openapi.json"))
	c.goodWays(user)
	c.wrongWays()
	c.good(post("/api/disconnect", `{"user":"42","code":4403,"reason":"signed out"}`))
	user.wantClosed(4403)
	c.shutDown()
	c.complete()
}

// goodWays are requests beside the examples.
func (c *contract) goodWays(user *peer) {
	send := post("/api/send", `{"user":"42","message":{"a":[1,null]},"id":{"n":1}}`)
	first := c.good(send.with("Idempotency-Key", "k"))
	again := c.good(send.with("Idempotency-Key", `"k"`))
	if !bytes.Contains(again, []byte(`"repeated":true`)) || bytes.Contains(first, []byte(`"repeated"`)) {
		c.t.Errorf("first %s, again %s", first, again)
	}
	if !bytes.Contains(first, []byte(`"request":{"n":1}`)) {
		c.t.Errorf("the id is not in %s", first)
	}
	c.bad(post("/api/send", `{"user":"42","message":2}`).with("Idempotency-Key", "k"), 422, api.ErrKeyReused)
	for _, one := range []call{
		post("/api/send", `{"all":true,"message":null,"key":"l"}`),
		post("/api/send", `{"room":"lobby","message":[]}`),
		post("/api/send", `{"room":"lobby","subject":"tea","message":5}`),
		get("/api/online?user=nobody&id=x"),
		get("/api/conns?limit=1"),
		get("/api/conns?after=" + user.id),
		get("/api/conns?user=42"),
		post("/api/conns", `{"room":"lobby"}`),
		get("/api/rooms?limit=1000"),
		get("/api/rooms?after=lobby"),
		get("/api/users?limit=1"),
		post("/api/users", `{"room":"lobby","limit":1e2}`),
		post("/api/disconnect", `{"conn":"c0","code":1000}`),
		post("/api/batch", `[]`).with("Content-Type", "application/x-www-form-urlencoded"),
	} {
		if one.path == "/api/batch" {
			c.ask(one)
			continue
		}
		c.good(one)
	}
}

// wrongWays are requests that the description does not allow, and the server neither.
func (c *contract) wrongWays() {
	for _, one := range []call{
		post("/api/send", `{"message":1}`),
		post("/api/send", `{"user":"a"}`),
		post("/api/send", `{"user":"a","room":"b","message":1}`),
		post("/api/send", `{"user":"","message":1}`),
		post("/api/send", `{"user":7,"message":1}`),
		post("/api/send", `{"user":"`+long+`","message":1}`),
		post("/api/send", `{"all":false,"message":1}`),
		post("/api/send", `{"user":"a","message":1,"mesage":1}`),
		post("/api/send", `{"user":"a","subject":"b","message":1}`),
		post("/api/send", `{"user":"a","message":1,"key":""}`),
		post("/api/send", `{"user":"a","message":1,"key":"`+strings.Repeat("k", 256)+`"}`),
		post("/api/online", `{}`),
		get("/api/online"),
		get("/api/conns?limit=0"),
		get("/api/conns?limit=1001"),
		get("/api/rooms?limit=x"),
		post("/api/rooms", `{"limit":-1}`),
		post("/api/rooms", `{"limit":1.5}`),
		post("/api/users", `{"after":null}`),
		post("/api/disconnect", `{}`),
		post("/api/disconnect", `{"user":"a","conn":"c1"}`),
		post("/api/disconnect", `{"user":"a","code":1001}`),
		post("/api/disconnect", `{"user":"a","reason":"`+strings.Repeat("r", 124)+`"}`),
		post("/api/stats", `{"user":"a"}`),
	} {
		c.bad(one, 400, api.ErrBadField)
		if c.allows(one) {
			c.t.Errorf("%s %s %s is described, but refused", one.method, one.path, one.body)
		}
	}
}

// shutDown asks a server that is shutting down.
func (c *contract) shutDown() {
	g := &gateway.Gateway{Keys: []string{testKey}}
	server := httptest.NewServer(g)
	defer server.Close()
	if err := g.Shutdown(context.Background()); err != nil {
		c.t.Error(err)
	}
	c.base = server.URL
	c.described(func(method, path string, o operation) {
		if _, ok := o.Responses["503"]; ok {
			c.bad(o.example(method, path), 503, api.ErrBusy)
		}
	})
}

// complete checks that every answer was seen that is described, but for those to errors of the server itself.
func (c *contract) complete() {
	c.described(func(method, path string, o operation) {
		for status := range o.Responses {
			if status != "500" && !c.seen[method+" "+path+" "+status] {
				c.t.Errorf("%s %s is never answered with %s", method, path, status)
			}
		}
	})
}

// TestEveryRouteIsDescribed compares what the server says that there is with the description.
func TestEveryRouteIsDescribed(t *testing.T) {
	g := &gateway.Gateway{Keys: []string{testKey}}
	c := newContract(t, "http://"+open(t, g))
	methods := make(map[string][]string)
	c.described(func(method, path string, _ operation) { methods[path] = append(methods[path], method) })
	if got, want := c.routes(), sorted(methods); !slices.Equal(got, want) {
		t.Errorf("there are %v; described are %v", got, want)
	}
	for path, described := range methods {
		response, _ := call{method: http.MethodOptions, path: path}.fetch(t, c.base)
		allowed := strings.Split(response.Header.Get("Allow"), ", ")
		allowed = slices.DeleteFunc(allowed, func(m string) bool { return m == http.MethodHead || m == http.MethodOptions })
		slices.Sort(described)
		if slices.Sort(allowed); response.StatusCode != 204 || !slices.Equal(allowed, described) {
			t.Errorf("%s allows %v; described are %v", path, allowed, described)
		}
	}
}

// routes returns the paths that the server itself says there are.
func (c *contract) routes() []string {
	c.t.Helper()
	_, body := get("/api/nothing-of-the-kind").fetch(c.t, c.base)
	var a api.Answer
	if err := json.Unmarshal(body, &a); err != nil {
		c.t.Fatal(err)
	}
	_, list, _ := strings.Cut(a.Message, "there are: ")
	names := strings.Split(list, ", ")
	for i := range names {
		names[i] = "/api/" + names[i]
	}
	return names
}
