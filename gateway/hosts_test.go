package gateway_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/molva-ws/molva/gateway"
)

func TestOnlyTheGivenHostsAreAnswered(t *testing.T) {
	for _, c := range []struct {
		hosts []string
		host  string
		ok    bool
	}{
		{nil, "whatever.example", true},
		{[]string{"localhost"}, "localhost", true},
		{[]string{"localhost"}, "LOCALHOST:8000", true},
		{[]string{"localhost"}, "localhost.:8000", true},
		{[]string{"localhost"}, "chat.localhost:8000", true},
		{[]string{"localhost"}, "127.0.0.1", true},
		{[]string{"localhost"}, "127.9.9.9:8000", true},
		{[]string{"localhost"}, "[::1]", true},
		{[]string{"localhost"}, "[::1]:8000", true},
		{[]string{"localhost"}, "[::ffff:127.0.0.1]:8000", true},
		{[]string{"localhost"}, "", false},
		{[]string{"localhost"}, "10.0.0.1", false},
		{[]string{"localhost"}, "0.0.0.0:8000", false},
		{[]string{"localhost"}, "evil.example:8000", false},
		{[]string{"localhost"}, "localhost.evil.example", false},
		{[]string{"localhost"}, "notlocalhost", false},
		{[]string{"localhost"}, "127.0.0.1.evil.example", false},
		{[]string{"chat.example"}, "Chat.Example:443", true},
		{[]string{"chat.example"}, "localhost", false},
		{[]string{"chat.example"}, "x.chat.example", false},
	} {
		g := &gateway.Gateway{Hosts: c.hosts}
		r := httptest.NewRequest(http.MethodGet, "/healthz", nil)
		r.Host = c.host
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		if ok := w.Code != http.StatusMisdirectedRequest; ok != c.ok {
			t.Errorf("%v answer %q with %d", c.hosts, c.host, w.Code)
		}
	}
}
