//go:build browser && unix

// These tests have pages in a real browser come in to the real program, each way that a page has to say who it is:
// Chromium, headless, from $CHROMIUM or the path.
//
//	go test -tags browser -run Browser ./cmd/molva

package main

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/molva-ws/molva/gateway/identity"
	"github.com/molva-ws/molva/internal/browser"
)

// TestBrowserComesInAsWhoItIs has a browser take every path in, on a server for each.
func TestBrowserComesInAsWhoItIs(t *testing.T) {
	a := &entrance{browser: browser.Launch(t), site: newSite(t)}
	t.Run("by a token", a.tokens)
	t.Run("by asking the application", a.application)
	t.Run("by the keys of an issuer", a.keys)
	t.Run("with a token that expires", a.renewal)
}

// entrance is what the paths share: a browser, and a site whose pages may connect.
type entrance struct {
	browser *browser.Browser
	site    string
}

// newSite serves an empty page.
func newSite(t *testing.T) (url string) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "<!doctype html><title>site</title>")
	}))
	t.Cleanup(site.Close)
	return site.URL
}

// serve starts the program with a configuration, to which pages of the site may connect.
func (a *entrance) serve(t *testing.T, config string) *served {
	t.Helper()
	return startServer(t, "--config", file(t, fmt.Sprintf("origins = [%q]\n%s", a.site, config)))
}

// open opens a page of the site that shares no cookies with other ones.
func (a *entrance) open(t *testing.T) page {
	t.Helper()
	return page{t, a.browser.OpenApart(a.site)}
}

// credentials are what a page sends.
type credentials struct {
	query, cookie string
	subprotocol   string // beside molva.v1
}

// carriers are the ways in which a page can send a token. It has no hand in Authorization.
var carriers = map[string]func(token string) credentials{
	"query":       func(token string) credentials { return credentials{query: "?token=" + token} },
	"cookie":      func(token string) credentials { return credentials{cookie: "jwt=" + token} },
	"subprotocol": func(token string) credentials { return credentials{subprotocol: "molva.token." + token} },
}

// sight is what a page sees of a connection.
type sight struct {
	Protocol string // once it was greeted
	User     string // likewise
	Code     int    // how it ended
	Reason   string
}

// welcome is what a page sees that comes in and leaves.
func welcome(user string) sight { return sight{Protocol: "molva.v1", User: user, Code: 1000} }

// refusals are what pages see that are refused.
var refusals = map[identity.Reason]sight{
	identity.Unknown:       {Code: 4401, Reason: "the server does not know who you are: send a token, or log in first"},
	identity.BadToken:      {Code: 4401, Reason: "the token is no JWT, or there is more than one"},
	identity.BadAlgorithm:  {Code: 4401, Reason: "the token is signed by an algorithm that is not allowed here"},
	identity.UnknownKey:    {Code: 4401, Reason: "the token is signed with a key that is not known here"},
	identity.BadSignature:  {Code: 4401, Reason: "the token's signature is wrong"},
	identity.Expired:       {Code: 4401, Reason: "the token has expired"},
	identity.NotYetValid:   {Code: 4401, Reason: "the token is not valid yet"},
	identity.WrongAudience: {Code: 4401, Reason: "the token is not meant for this server"},
	identity.BadClaims:     {Code: 4401, Reason: "a claim of the token is missing or not as it must be"},
	identity.NoKeys:        {Code: 1013, Reason: "tokens cannot be checked now; try again"},
	identity.Denied:        {Code: 4403, Reason: "the application does not let you in"},
	identity.AppDown:       {Code: 1013, Reason: "the application cannot be asked now; try again"},
	identity.AppNonsense:   {Code: 1011, Reason: "the application gave an answer that makes no sense"},
}

const enterInPage = `new Promise(resolve => {
	const [address, cookie, subprotocol] = %s;
	for (const name of ["jwt", "session"]) document.cookie = name + "=; max-age=0";
	document.cookie = cookie;
	const ws = new WebSocket(address, ["molva.v1", subprotocol].filter(Boolean));
	const seen = { protocol: "", user: "" };
	ws.onmessage = ({ data }) => {
		const hello = JSON.parse(data);
		Object.assign(seen, { protocol: ws.protocol, user: hello.user ?? "" });
		ws.close(1000);
	};
	ws.onclose = ({ code, reason }) => resolve({ ...seen, code, reason });
})`

// enter has the page come in to a server, and leave again.
func (p page) enter(s *served, c credentials) (seen sight) {
	p.Helper()
	what := fmt.Sprintf("[%s, %s, %s]", browser.Quote(s.url+"/ws"+c.query), browser.Quote(c.cookie), browser.Quote(c.subprotocol))
	p.Eval(fmt.Sprintf(enterInPage, what), &seen)
	return seen
}

// enters is enter, and checks what the page sees.
func (p page) enters(s *served, c credentials, want sight) {
	p.Helper()
	if seen := p.enter(s, c); seen != want {
		p.Errorf("the page sees %+v; want %+v", seen, want)
	}
}

// outcome is what becomes of the pages that come in to a server.
type outcome map[string]int

// in adds pages that were let in, and why.
func (o outcome) in(by identity.Source, pages int) outcome {
	o[fmt.Sprintf("molva_identity_admitted_total{by=%q}", by)] += pages
	return o
}

// out adds pages that were refused, and why.
func (o outcome) out(reason identity.Reason, pages int) outcome {
	o[fmt.Sprintf("molva_identity_refused_total{reason=%q}", reason)] += pages
	o[`molva_refused_total{reason="upgrade"}`] += pages
	return o
}

var counted = regexp.MustCompile(`(?m)^(molva_(?:identity_(?:admitted|refused)|refused)_total\{.*\}) ([1-9]\d*)$`)

// counts returns what the server has counted of those who came in or did not.
func (s *served) counts() outcome {
	s.Helper()
	found := outcome{}
	for _, line := range counted.FindAllStringSubmatch(get(s.T, s.url+"/metrics"), -1) {
		found[line[1]], _ = strconv.Atoi(line[2])
	}
	return found
}

// told checks what the server has counted, and that each refusal is in the log, of which secrets are no part.
func (s *served) told(want outcome, secrets ...string) {
	s.Helper()
	if got := s.counts(); !maps.Equal(got, want) {
		s.Errorf("counted are %v; want %v", got, want)
	}
	for name, n := range want {
		if reason, ok := strings.CutPrefix(name, `molva_identity_refused_total{reason="`); ok {
			s.logs(n, "client refused", strings.TrimSuffix(reason, `"}`))
		}
	}
	s.keeps(secrets...)
}

// logs waits until there are so many entries in the log that give a reason.
func (s *served) logs(n int, text, reason string) {
	s.Helper()
	count := func() (found int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, entry := range s.log {
			said, _ := entry["reason"].(string)
			if said, _, _ = strings.Cut(said, ":"); entry["msg"] == text && said == reason {
				found++
			}
		}
		return found
	}
	end := time.Now().Add(patience)
	for count() < n && time.Now().Before(end) {
		time.Sleep(time.Millisecond)
	}
	if got := count(); got != n {
		s.Errorf("%q is logged %d times for %s; want %d:\n%s", text, got, reason, n, s.said())
	}
}

// keeps checks that no part of a secret, as tokens have, is in the log. The first part of a token says nothing.
func (s *served) keeps(secrets ...string) {
	s.Helper()
	said := s.said()
	for _, secret := range secrets {
		parts := strings.Split(secret, ".")
		for _, part := range parts[min(1, len(parts)-1):] {
			if part != "" && strings.Contains(said, part) {
				s.Errorf("%s is in the log:\n%s", secret, said)
			}
		}
	}
}
