package identity_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway/identity"
	"github.com/molva-ws/molva/gateway/rules"
)

// byRule returns rules by which rooms have to be granted, but for one that anybody may join.
func byRule(t *testing.T) *rules.Set {
	t.Helper()
	set, err := rules.New(rules.Options{Rules: []rules.Rule{{Room: "open", Join: rules.Anyone}}},
		rules.Sources{Granted: identity.Granted})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestWhatIsNotGrantedAnyMoreIsLeft(t *testing.T) {
	f := start(t, identity.Options{JWT: identity.JWT{Secret: theSecret}}, nil)
	url := f.serve(byRule(t).Rules())
	p, _, err := dial(t, url+"?token="+hs256(t, jwt.MapClaims{"rooms": []string{"a", "b"}}), nil)
	if err != nil {
		t.Fatal(err)
	}
	p.read()
	for i, room := range []string{"a", "open", "b"} {
		if a := p.ask(fmt.Sprintf(`{"type":"join","room":%q,"ack":%d}`, room, i+1)); a.Type != "ok" {
			t.Fatalf("%s: %+v", room, a)
		}
	}
	renewed := p.ask(`{"type":"renew","ack":4,"token":"` + hs256(t, jwt.MapClaims{"rooms": []string{"b"}}) + `"}`)
	if left := p.read(); renewed.Type != "ok" || left.Type != "left" || left.Room != "a" {
		t.Fatalf("%+v, then %+v", renewed, left)
	}
	for i, test := range []struct{ room, code string }{{"a", "not_joined"}, {"b", "forbidden"}, {"open", "forbidden"}} {
		if a := p.ask(fmt.Sprintf(`{"type":"publish","room":%q,"data":1,"ack":%d}`, test.room, i+5)); a.Code != test.code {
			t.Errorf("publishing to %s: %+v, want %s", test.room, a, test.code)
		}
	}
}

// answers has the application say one thing after the other, the last one again and again. Each asks with the same
// cookie.
func answers(t *testing.T, all ...func() (int, string)) func(*http.Request) (*http.Response, error) {
	var calls atomic.Int64
	return func(r *http.Request) (*http.Response, error) {
		if cookie, err := r.Cookie("session"); err != nil || cookie.Value != "abc" {
			t.Errorf("asked with %v", r.Header)
		}
		status, body := all[min(int(calls.Add(1)), len(all))-1]()
		if status == 0 {
			return nil, errors.New("it is down")
		}
		return answer(status, body), nil
	}
}

// said is an answer about the user 42, which is good for some time, 0 for ever.
func said(good time.Duration, rooms string) func() (int, string) {
	return func() (int, string) {
		text := `{"user":"42","rooms":` + rooms
		if good > 0 {
			text += fmt.Sprintf(`,"expires":%d`, time.Now().Add(good).UnixMilli())
		}
		return 200, text + "}"
	}
}

// logIn opens a connection with a cookie.
func (f *fixture) logIn(set *rules.Set) *peer {
	f.Helper()
	p, _, err := dial(f, f.serve(set.Rules()), &molva.DialOptions{Header: http.Header{"Cookie": {"session=abc"}}})
	if err != nil {
		f.Fatal(err)
	}
	p.read()
	return p
}

func TestTheApplicationIsAskedAgainWhenItsTimeIsOver(t *testing.T) {
	t.Parallel()
	const short = 5 * time.Second // and yet time enough to join two rooms
	f := start(t, asking(nil), answers(t, said(short, `["a","b"]`), said(0, `["b"]`)))
	p := f.logIn(byRule(t))
	p.ask(`{"type":"join","room":"a","ack":1}`)
	p.ask(`{"type":"join","room":"b","ack":2}`)
	if left := p.read(); left.Type != "left" || left.Room != "a" {
		t.Fatalf("%+v", left)
	}
	if a := p.ask(`{"type":"ping","ack":3}`); a.Type != "ok" {
		t.Errorf("%+v", a)
	}
	if s := f.Stats(); s.Renewed != 1 || s.Application.Requests != 2 {
		t.Errorf("%+v", s)
	}
}

func TestTheApplicationIsAskedAgainWithWhatItWasToldBefore(t *testing.T) {
	urls := make(chan string, 2)
	respond := answers(t, said(1500*time.Millisecond, `["a"]`), said(0, `["a"]`))
	o := asking(func(a *identity.Application) { a.Query = []string{"ticket"} })
	f := start(t, o, func(r *http.Request) (*http.Response, error) {
		urls <- r.URL.String()
		return respond(r)
	})
	_, _, err := dial(t, f.serve(byRule(t).Rules())+"?ticket=a%26b&ticket=c", &molva.DialOptions{Header: http.Header{"Cookie": {"session=abc"}}})
	if err != nil {
		t.Fatal(err)
	}
	if first, second := <-urls, <-urls; first != appURL+"?ticket=a%26b&ticket=c" || second != first {
		t.Errorf("asked at %s and then at %s", first, second)
	}
}

func TestAConnectionEndsAsTheApplicationSays(t *testing.T) {
	status := func(status int, body string) func() (int, string) {
		return func() (int, string) { return status, body }
	}
	for name, test := range map[string]struct {
		then   func() (int, string)
		code   molva.CloseCode
		reason string
		count  identity.Reason
	}{
		"logged out":   {status(401, ""), 4401, "who you are", identity.Unknown},
		"another user": {status(200, `{"user":"43"}`), 4401, "another user", identity.WrongUser},
		"banned":       {status(403, ""), 4403, "does not let you in", identity.Denied},
		"down":         {status(0, ""), molva.CloseTryAgainLater, "try again", identity.AppDown},
		"nonsense":     {status(200, "<html>"), molva.CloseInternalError, "no sense", identity.AppNonsense},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, asking(nil), answers(t, said(700*time.Millisecond, "[]"), test.then))
			f.logIn(byRule(t)).wantEnd(test.code, test.reason)
			if n := f.Stats().RenewalRefused[test.count]; n != 1 {
				t.Errorf("%d of %s were counted", n, test.count)
			}
		})
	}
}

func TestLongCookiesAreNotKept(t *testing.T) {
	f := start(t, asking(nil), func(*http.Request) (*http.Response, error) {
		status, body := said(700*time.Millisecond, "[]")()
		return answer(status, body), nil
	})
	header := http.Header{"Cookie": {"session=" + strings.Repeat("x", 5000)}}
	p, _, err := dial(t, f.serve(byRule(t).Rules()), &molva.DialOptions{Header: header})
	if err != nil {
		t.Fatal(err)
	}
	p.wantEnd(4401, "expired")
	if n := f.Stats().Application.Requests; n != 1 {
		t.Errorf("asked %d times", n)
	}
}
