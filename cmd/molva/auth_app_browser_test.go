//go:build browser && unix

package main

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/molva-ws/molva/gateway/identity"
	"github.com/molva-ws/molva/internal/freeaddr"
)

// says200 is an application that says the same of everybody.
func says200(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) }
}

func saysStatus(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

// knows is an application that knows one session.
func knows(session, user string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if c, err := r.Cookie("session"); err != nil || c.Value != session {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprintf(w, `{"user":%q}`, user)
	}
}

// startApp serves an application and returns where to ask it. One that is nil is down: the connection is refused.
func startApp(t *testing.T, app http.Handler) (url string) {
	t.Helper()
	if app == nil {
		return "http://" + freeaddr.Get(t)
	}
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	return server.URL + "/whoami"
}

// redirects leads to a page that would let everybody in.
func redirects() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/whoami", http.RedirectHandler("/login", http.StatusFound))
	mux.Handle("/login", says200(`{"user":"root"}`))
	return mux
}

// application has a page with a session come in where the application is asked who that is.
func (a *entrance) application(t *testing.T) {
	session, p := rand.Text(), a.open(t)
	slow := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for name, test := range map[string]struct {
		app    http.Handler
		reason identity.Reason // "" if the session is that of the user 7
	}{
		"that knows the session":        {knows(session, "7"), ""},
		"that does not":                 {knows("another one", "7"), identity.Unknown},
		"that says no":                  {saysStatus(http.StatusForbidden), identity.Denied},
		"that is down":                  {nil, identity.AppDown},
		"that is slow":                  {http.HandlerFunc(slow), identity.AppDown},
		"that is broken":                {saysStatus(http.StatusInternalServerError), identity.AppDown},
		"that talks nonsense":           {says200("\x00{user: 7"), identity.AppNonsense},
		"that shows a page":             {says200("<!doctype html><title>Log in</title>"), identity.AppNonsense},
		"that names nobody":             {says200(`{}`), identity.AppNonsense},
		"that names a number":           {says200(`{"user":7}`), identity.AppNonsense},
		"that names one of molva's own": {says200(`{"user":"$root"}`), identity.AppNonsense},
		"that names what is no name":    {says200(`{"user":"7\n8"}`), identity.AppNonsense},
		"that says more than it may":    {says200(`{"user":"7","admin":true}`), identity.AppNonsense},
		"that goes on and on":           {says200(`{"user":"7","note":"` + strings.Repeat("x", 20<<10) + `"}`), identity.AppNonsense},
		"that leads elsewhere":          {redirects(), identity.AppNonsense},
	} {
		for _, onFailure := range []string{"refuse", "anonymous"} {
			t.Run(name+", on failure "+onFailure, func(t *testing.T) {
				s := a.serve(t, fmt.Sprintf("[auth.app]\nurl = %q\ncookies = [\"session\"]\ntimeout = \"300ms\"\non_failure = %q\n",
					startApp(t, test.app), onFailure))
				want, seen := outcome{}, refusals[test.reason]
				switch {
				case test.reason == "":
					seen = welcome("7")
					want.in(identity.ByApplication, 1)
				case test.reason == identity.AppDown && onFailure == "anonymous":
					seen = welcome("")
					want.in(identity.ByNobody, 1)
				default:
					want.out(test.reason, 1)
				}
				began := time.Now()
				page{t, p.Tab}.enters(s, credentials{cookie: "session=" + session}, seen)
				if took := time.Since(began); took > 10*time.Second { // not as long as the application likes
					t.Errorf("it took %v", took)
				}
				s.told(want, session)
			})
		}
	}
	t.Run("beside a token that is not good", func(t *testing.T) {
		s := a.serve(t, fmt.Sprintf("[auth.app]\nurl = %q\n[auth.jwt]\nsecret = %q\n", startApp(t, knows(session, "7")), firstSecret))
		p := page{t, p.Tab}
		p.enters(s, credentials{query: "?token=bad", cookie: "session=" + session}, refusals[identity.BadToken])
		p.enters(s, credentials{cookie: "session=" + session}, welcome("7"))
		s.told(outcome{}.out(identity.BadToken, 1).in(identity.ByApplication, 1), session)
	})
}
