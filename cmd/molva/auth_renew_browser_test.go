//go:build browser && unix

package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/molva-ws/molva/gateway/identity"
	"github.com/molva-ws/molva/internal/browser"
)

// expiring returns a token for the user 42 and when it expires, which is in five or six seconds: a busy browser takes its time.
func expiring(t *testing.T) (token string, at time.Time) {
	t.Helper()
	at = time.Now().Add(6 * time.Second).Truncate(time.Second)
	return issue(t, jwt.SigningMethodHS256, []byte(firstSecret), "", jwt.MapClaims{"exp": at.Unix()}), at
}

// expires starts a server that knows the secret, and opens a page from where the client can be imported.
func (a *entrance) expires(t *testing.T) (*served, page) {
	t.Helper()
	s := a.serve(t, "[auth.jwt]\nsecret = '"+firstSecret+"'\nleeway = '0s'\n")
	return s, page{t, a.browser.OpenApart(s.url + "/healthz")}
}

// connectWith has molva's client connect with the tokens that a function returns.
func (p page) connectWith(token string, tokens ...string) {
	p.Helper()
	quoted := make([]string, len(tokens))
	for i, t := range tokens {
		quoted[i] = browser.Quote(t)
	}
	p.Eval(fmt.Sprintf(`import("/molva.js").then(({ connect }) => {
		const tokens = [%s];
		globalThis.seen = [];
		globalThis.molva = undefined;
		globalThis.molva = connect("/ws", { backoff: () => 0, token: %s });
		molva.on("open", (hello) => seen.push("open " + hello.user));
		molva.on("close", ({ code, reason, retry }) => seen.push(["close", code, reason, retry].join(" ")));
		molva.on("message", ({ data }) => seen.push("message " + data));
		molva.on("error", ({ code }) => seen.push("error " + code));
	})`, strings.Join(quoted, ", "), token), nil)
}

// sees waits until that is what the client has seen.
func (p page) sees(want ...string) {
	p.Helper()
	var seen []string
	p.Until(fmt.Sprintf("seen.length >= %d", len(want)))
	if p.Eval("seen", &seen); !slices.Equal(seen, want) {
		p.Fatalf("seen is %q; want %q", seen, want)
	}
}

// renewals returns what the server has counted of them.
func (s *served) renewals() outcome {
	s.Helper()
	found := outcome{}
	lines := regexp.MustCompile(`(?m)^molva_identity_(renewals(?:_refused)?_total\S*) ([1-9]\d*)$`)
	for _, line := range lines.FindAllStringSubmatch(get(s.T, s.url+"/metrics"), -1) {
		found[line[1]], _ = strconv.Atoi(line[2])
	}
	return found
}

const expired = "close 4401 the token has expired "

// renewal has pages renew their tokens in time, too late, and with tokens that do not.
func (a *entrance) renewal(t *testing.T) {
	lasting := issue(t, jwt.SigningMethodHS256, []byte(firstSecret), "", nil)
	t.Run("and is renewed in time", func(t *testing.T) {
		t.Parallel()
		s, p := a.expires(t)
		first, at := expiring(t)
		p.connectWith("() => tokens.shift()", first, lasting)
		p.Until(fmt.Sprintf("seen.length > 1 || Date.now() > %d", at.Add(time.Second).UnixMilli()))
		molvaRun(t, "", "send", "--socket", s.socket, "--user", "42", "still here").wantsText(t, 0, "reached 1", "")
		p.sees("open 42", "message still here")
		if got := s.renewals(); !maps.Equal(got, outcome{"renewals_total": 1}) {
			t.Errorf("counted are %v", got)
		}
		s.told(outcome{}.in(identity.ByToken, 1), first, lasting)
	})
	t.Run("and is renewed too late", func(t *testing.T) {
		t.Parallel()
		s, p := a.expires(t)
		first, at := expiring(t)
		p.connectWith("() => molva?.state === 'open' ? new Promise(() => {}) : tokens.shift()", first, lasting)
		p.Until("seen.length > 1")
		if early := time.Until(at); early > 0 {
			t.Errorf("it ended %v before the token expired", early)
		}
		p.sees("open 42", expired+"true", "open 42")
		s.told(outcome{}.in(identity.ByToken, 2), first, lasting)
	})
	old := issue(t, jwt.SigningMethodHS256, []byte(firstSecret), "", jwt.MapClaims{"exp": time.Now().Add(-time.Minute).Unix()})
	t.Run("and has, and there is no other", func(t *testing.T) {
		s, p := a.expires(t)
		p.connectWith("tokens[0]", old)
		p.Eval(`molva.join("r").catch(({ code, message }) => seen.push("join " + code + ": " + message)); 0`, nil)
		p.Until(`molva.state === "closed"`)
		p.sees(expired+"false", "join denied: the token has expired")
		s.told(outcome{}.out(identity.Expired, 1), old)
	})
	t.Run("and has, and is replaced", func(t *testing.T) {
		s, p := a.expires(t)
		p.connectWith("() => tokens.shift()", old, old, lasting)
		p.sees(expired+"true", expired+"true", "open 42")
		s.told(outcome{}.out(identity.Expired, 2).in(identity.ByToken, 1), old, lasting)
	})
	t.Run("and is renewed by none that is good", func(t *testing.T) {
		t.Parallel()
		a.renewedByNone(t, lasting)
	})
}

const renewInPage = `new Promise(resolve => {
	const seen = { answers: [] };
	const tokens = %s;
	const ws = new WebSocket(%s, "molva.v1");
	const renew = () => tokens.length && ws.send(JSON.stringify({ type: "renew", token: tokens.shift() }));
	ws.onmessage = ({ data }) => {
		const { type, code } = JSON.parse(data);
		seen.answers.push([type, code].join(" "));
		renew();
	};
	ws.onclose = ({ code, reason }) => resolve({ ...seen, code, reason });
})`

func (a *entrance) renewedByNone(t *testing.T, lasting string) {
	s, p := a.expires(t)
	first, at := expiring(t)
	hs256 := func(claims jwt.MapClaims) string {
		return issue(t, jwt.SigningMethodHS256, []byte(firstSecret), "", claims)
	}
	old, others := hs256(jwt.MapClaims{"exp": time.Now().Add(-time.Minute).Unix()}), hs256(jwt.MapClaims{"sub": "7"})
	none := issue(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "", nil)
	var seen struct {
		Answers []string
		Code    int
		Reason  string
	}
	tokens := fmt.Sprintf("[%s, %s, %s]", browser.Quote(old), browser.Quote(others), browser.Quote(none))
	p.Eval(fmt.Sprintf(renewInPage, tokens, browser.Quote(s.url+"/ws?token="+first)), &seen)
	want := []string{"hello ", "error forbidden", "error forbidden", "error forbidden"}
	if !slices.Equal(seen.Answers, want) || seen.Code != 4401 || seen.Reason != "the token has expired" {
		t.Errorf("the page sees %+v", seen)
	}
	if early := time.Until(at); early > 0 {
		t.Errorf("it ended %v before the token expired", early)
	}
	refused := outcome{}
	for _, reason := range []identity.Reason{identity.Expired, identity.WrongUser, identity.BadAlgorithm} {
		refused[fmt.Sprintf("renewals_refused_total{reason=%q}", reason)] = 1
		s.logs(1, "not renewed", string(reason))
	}
	if got := s.renewals(); !maps.Equal(got, refused) {
		t.Errorf("counted are %v; want %v", got, refused)
	}
	s.told(outcome{}.in(identity.ByToken, 1), first, old, others, none, lasting)
}
