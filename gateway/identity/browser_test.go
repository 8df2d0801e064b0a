//go:build browser && unix

// These tests come in by a real browser: Chromium, headless, from $CHROMIUM or the path.
//
//	go test -tags browser -run Browser ./gateway/identity

package identity_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/identity"
	"github.com/molva-ws/molva/internal/browser"
)

// connectInPage returns, in a page, who one is by what is sent, or the code with which the connection ended instead.
const connectInPage = `new Promise(resolve => {
	const url = new URL("/ws" + %s, location); url.protocol = "ws:";
	const ws = new WebSocket(url, %s);
	ws.onmessage = m => { resolve(ws.protocol + " " + JSON.parse(m.data).user); ws.close(); };
	ws.onclose = e => resolve("closed " + e.code);
})`

func TestBrowserComesIn(t *testing.T) {
	app := serveSite(t, func(w http.ResponseWriter, r *http.Request) {
		if c, err := r.Cookie("session"); err == nil && c.Value == "good" {
			io.WriteString(w, `{"user":"7"}`)
			return
		}
		w.WriteHeader(http.StatusUnauthorized)
	})
	o := identity.Options{
		JWT: identity.JWT{
			Secret: theSecret, KeyFile: fileOf(t, pemOf(t, rsaKey().Public())), Audience: []string{"chat"},
			In: []string{"subprotocol", "query:token", "cookie:jwt"},
		},
		Application: identity.Application{URL: app, Cookies: []string{"session"}, Cache: -1},
	}
	tab := browser.Launch(t).Open(servePage(t, o) + "/")
	token := func(name string, value any) string { return hs256(t, jwt.MapClaims{name: value}) }
	good := hs256(t, nil)
	for name, test := range map[string]struct{ query, subprotocol, cookie, want string }{
		"in a subprotocol":          {"", good, "", "molva.v1 42"},
		"in the query":              {good, "", "", "molva.v1 42"},
		"in a cookie":               {"", "", "jwt=" + good, "molva.v1 42"},
		"by RS256":                  {sign(t, jwt.SigningMethodRS256, rsaKey(), "", claims(nil)), "", "", "molva.v1 42"},
		"by a session":              {"", "", "session=good", "molva.v1 7"},
		"by a session that is none": {"", "", "session=bad", "closed 1006"},
		"without anything":          {"", "", "", "closed 1006"},
		"expired":                   {token("exp", time.Now().Add(-time.Hour).Unix()), "", "", "closed 1006"},
		"not yet valid":             {token("nbf", time.Now().Add(time.Hour).Unix()), "", "", "closed 1006"},
		"for another audience":      {token("aud", "shop"), "", "", "closed 1006"},
		"none":                      {sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "", claims(nil)), "", "", "closed 1006"},
		"by another algorithm":      {sign(t, jwt.SigningMethodRS384, rsaKey(), "", claims(nil)), "", "", "closed 1006"},
		"HS256 with the public key": {sign(t, jwt.SigningMethodHS256, []byte(pemOf(t, rsaKey().Public())), "", claims(nil)), "", "", "closed 1006"},
		"bad, beside a session":     {"bad", "", "session=good", "closed 1006"},
	} {
		t.Run(name, func(t *testing.T) {
			query, protocols := "", []string{"molva.v1"}
			if test.query != "" {
				query = "?token=" + test.query
			}
			if test.subprotocol != "" {
				protocols = append(protocols, "molva.token."+test.subprotocol)
			}
			tab.Eval(`["jwt", "session"].forEach(name => document.cookie = name + "=; max-age=0")`, nil)
			tab.Eval("document.cookie = "+browser.Quote(test.cookie), nil)
			var got string
			tab.Eval(fmt.Sprintf(connectInPage, browser.Quote(query), `"`+strings.Join(protocols, `,`)+`".split(",")`), &got)
			if got != test.want {
				t.Errorf("%q; want %q", got, test.want)
			}
		})
	}
}

// TestBrowserRenews has molva's own client renew its token, and then have none.
func TestBrowserRenews(t *testing.T) {
	url := servePage(t, identity.Options{JWT: identity.JWT{Secret: theSecret, Leeway: -1}})
	tab := browser.Launch(t).Open(url + "/")
	first := hs256(t, jwt.MapClaims{"exp": time.Now().Add(3 * time.Second).Unix()})
	end := time.Now().Add(6 * time.Second).Truncate(time.Second)
	second := hs256(t, jwt.MapClaims{"exp": end.Unix()})
	tab.Eval(fmt.Sprintf(`import("/molva.js").then(({ connect }) => {
		const tokens = [%s, %s];
		window.seen = [];
		const client = connect("/ws", { token: () => tokens.shift() ?? "used up" });
		client.on("open", hello => seen.push("open " + hello.user));
		client.on("close", e => seen.push("close " + e.code + " " + e.reason));
		client.on("error", () => {});
	})`, browser.Quote(first), browser.Quote(second)), nil)
	tab.Until(`seen.length === 2`)
	var seen []string
	tab.Eval("seen", &seen)
	if seen[0] != "open 42" || seen[1] != "close 4401 the token has expired" {
		t.Errorf("seen is %q", seen)
	}
	if left := time.Until(end); left > 0 {
		t.Errorf("it ended %v before the second token expired", left)
	}
}

// servePage serves a gateway, and an empty page beside it.
func servePage(t *testing.T, o identity.Options) (url string) {
	t.Helper()
	who, err := identity.New(o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gateway.Gateway{
		Identify: who.Identify, Renew: who.Renew,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<!doctype html><title>x</title>") }),
	}
	served := make(chan error, 1)
	go func() { served <- g.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		g.Shutdown(ctx)
		if err := <-served; err != molva.ErrServerClosed {
			t.Errorf("Serve: %v", err)
		}
		who.Close()
	})
	return "http://" + l.Addr().String()
}
