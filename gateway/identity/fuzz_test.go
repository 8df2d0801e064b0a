package identity_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/identity"
)

func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"user":"42","rooms":["a.*"],"publish":[],"note":{"a":[1,2]},"expires":99999999999999}`,
		`{"user":42}`, `{"user":"$x"}`, `{"rooms":[null]}`, `{"expires":1}`, `{"expires":1e3}`, `[]`, `null`, ``, `{"user":"\ud800"}`,
	} {
		f.Add([]byte(seed))
	}
	names, now := gateway.Limits{}, time.Now()
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := identity.ParseAnswer(data, names, now)
		if err != nil {
			if g != nil || len(err.Error()) > 1000 {
				t.Errorf("%+v with an error of %d bytes", g, len(err.Error()))
			}
			return
		}
		if !names.ValidUser(g.User) || g.By != identity.ByApplication {
			t.Errorf("%q is let in, by %s", g.User, g.By)
		}
		if g.Note != nil && (!json.Valid(g.Note) || len(g.Note) > len(data)) {
			t.Errorf("the note is %q", g.Note)
		}
		if !g.Expires.IsZero() && !g.Expires.After(now) {
			t.Errorf("it expired at %v", g.Expires)
		}
		for _, pattern := range append(g.Join, g.Publish...) {
			if pattern == "" || len(pattern) > 256 || strings.ContainsRune(pattern, 0) {
				t.Errorf("%q is taken for a pattern", pattern)
			}
		}
	})
}

func FuzzTokenPlaces(f *testing.F) {
	f.Add("token=a.b.c", "Bearer a.b.c", "session=a.b.c", "molva.v1, molva.token.a.b.c")
	f.Add("token=a&token=b", "bearer  x ", `session="a"; session=b`, "molva.token.,,molva.token.x")
	f.Add("token=%zz;token=a", "Bearer", "=;session", "molva.token")
	f.Fuzz(func(t *testing.T, query, authorization, cookie, subprotocols string) {
		r := upgrade("/ws").Request
		r.URL.RawQuery = query
		r.Header = http.Header{
			"Authorization": {authorization}, "Cookie": {cookie}, "Sec-Websocket-Protocol": {subprotocols},
		}
		for i, in := range everyPlace {
			token, err := identity.FindToken(everyPlace[i:i+1], r)
			if err != nil && token != "" {
				t.Errorf("in %s there is %q, and %v", in, token, err)
			}
			// The first place that has one decides.
			if first, firstErr := identity.FindToken(everyPlace[i:], r); (token != "" || err != nil) &&
				(first != token || (firstErr == nil) != (err == nil)) {
				t.Errorf("in %s there is %q (%v), but found is %q (%v)", in, token, err, first, firstErr)
			}
		}
	})
}

// FuzzToken has tokens of all kinds looked at. None is signed.
func FuzzToken(f *testing.F) {
	good := hs256(f, nil)
	f.Add(good[:len(good)-1])
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add("a.b.c")
	chain := start(f, identity.Options{JWT: identity.JWT{Secret: "another secret of thirty-two bytes"}}, nil)
	f.Fuzz(func(t *testing.T, token string) {
		u := upgrade("/ws")
		u.Header["Authorization"] = []string{"Bearer " + token}
		if err := chain.Identify(u); err == nil || u.User != "" {
			t.Errorf("%q is let in as %q", token, u.User)
		}
	})
}
