package gateway_test

import (
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
)

const testKey = "0123456789abcdef"

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
