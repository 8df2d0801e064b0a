package identity_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/identity"
)

// patience is how long a test waits for what should come at once.
const patience = 10 * time.Second

// serve serves a gateway whose clients the chain identifies, and returns the address for a WebSocket.
func (f *fixture) serve(rules gateway.Rules) string {
	f.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	g := &gateway.Gateway{Identify: f.Identify, Renew: f.Renew, Rules: rules, Logger: f.log.logger()}
	served := make(chan error, 1)
	go func() { served <- g.Serve(l) }()
	f.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		g.Shutdown(ctx)
		if err := <-served; err != molva.ErrServerClosed {
			f.Errorf("Serve: %v", err)
		}
	})
	return "ws://" + l.Addr().String() + "/ws"
}

// peer is a client under the control of a test.
type peer struct {
	testing.TB
	*molva.Conn
}

func dial(t testing.TB, url string, o *molva.DialOptions) (*peer, *http.Response, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, response, err := molva.Dial(ctx, url, o)
	if err != nil {
		return nil, response, err
	}
	t.Cleanup(c.CloseNow)
	return &peer{t, c}, response, nil
}

// connect opens a connection with a token. What it is granted comes with each room that it joins; the first it has.
func (f *fixture) connect(token string) (p *peer, granted <-chan *identity.Grant) {
	f.Helper()
	grants := make(chan *identity.Grant, 8)
	url := f.serve(gateway.Rules{Join: func(c *gateway.Client, _ string) error {
		grants <- identity.GrantOf(c)
		return nil
	}})
	p, _, err := dial(f, url+"?token="+token, nil)
	if err != nil {
		f.Fatal(err)
	}
	p.read()
	p.ask(`{"type":"join","room":"news","ack":1}`)
	return p, grants
}

// read returns the next message.
func (p *peer) read() (m message) {
	p.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	raw, err := p.Read(ctx)
	if err != nil {
		p.Fatalf("instead of a message: %v", err)
	}
	if err := json.Unmarshal(raw.Data, &m); err != nil {
		p.Fatal(err)
	}
	return m
}

// message is one of the server's.
type message struct {
	Type, User, Code string
	Message          string
	Expires          int64
}

func (p *peer) ask(text string) message {
	p.Helper()
	if err := p.Send(molva.Text(text)); err != nil {
		p.Fatal(err)
	}
	return p.read()
}

// wantEnd reads until the connection ends.
func (p *peer) wantEnd(code molva.CloseCode, reason string) {
	p.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		if _, err := p.Read(ctx); err != nil {
			var end *molva.CloseError
			if !errors.As(err, &end) || end.Code != code || !strings.Contains(end.Reason, reason) {
				p.Fatalf("ended by %v; want %d, %s", err, code, reason)
			}
			return
		}
	}
}

// soon is the next time that a token can name and is still to come.
func soon() time.Time { return time.Now().Add(1500 * time.Millisecond).Truncate(time.Second) }

func TestAConnectionEndsWhenItsTokenExpires(t *testing.T) {
	f := start(t, identity.Options{JWT: identity.JWT{Secret: theSecret}}, nil)
	at := soon()
	p, _, err := dial(t, f.serve(gateway.Rules{})+"?token="+hs256(t, jwt.MapClaims{"exp": at.Unix()}), nil)
	if err != nil {
		t.Fatal(err)
	}
	if hello := p.read(); hello.User != "42" || hello.Expires != at.UnixMilli() {
		t.Errorf("hello is %+v; want the user 42 until %d", hello, at.UnixMilli())
	}
	p.wantEnd(4401, "expired")
	if early := time.Until(at); early > 0 {
		t.Errorf("it ended %v too early", early)
	}
}

func TestRenewedInTime(t *testing.T) {
	f := start(t, identity.Options{JWT: identity.JWT{Secret: theSecret}}, nil)
	first, next := soon(), time.Now().Add(time.Hour).Truncate(time.Second)
	p, granted := f.connect(hs256(t, jwt.MapClaims{"exp": first.Unix()}))
	<-granted
	token := hs256(t, jwt.MapClaims{"exp": next.Unix(), "rooms": []string{"other"}})
	if a := p.ask(`{"type":"renew","ack":2,"token":"` + token + `"}`); a.Type != "ok" || a.Expires != next.UnixMilli() {
		t.Fatalf("answered with %+v; want ok until %d", a, next.UnixMilli())
	}
	ctx, cancel := context.WithDeadline(context.Background(), first.Add(200*time.Millisecond))
	defer cancel()
	if _, err := p.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("when the first token had expired: %v", err)
	}
	p.ask(`{"type":"join","room":"again","ack":3}`)
	if now := <-granted; now.Join[0] != "other" || !now.Expires.Equal(next) {
		t.Errorf("after renewing, what is granted is %+v", now)
	}
	if n := f.Stats().Renewed; n != 1 {
		t.Errorf("%d renewals were counted; want 1", n)
	}
}

func TestATokenThatDoesNotRenew(t *testing.T) {
	f := start(t, identity.Options{JWT: identity.JWT{Secret: theSecret}}, nil)
	p, _ := f.connect(hs256(t, nil))
	for _, test := range []struct {
		token string
		want  identity.Reason
	}{
		{hs256(t, jwt.MapClaims{"exp": time.Now().Add(-time.Minute).Unix()}), identity.Expired},
		{hs256(t, jwt.MapClaims{"sub": "43"}), identity.WrongUser},
		{sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "", claims(nil)), identity.BadAlgorithm},
		{"nonsense", identity.BadToken},
		{strings.Repeat("x", 20<<10), identity.BadToken},
	} {
		a := p.ask(`{"type":"renew","token":"` + test.token + `"}`)
		if a.Type != "error" || a.Code != "forbidden" {
			t.Errorf("%s: answered with %+v", test.want, a)
		}
		if n := f.Stats().RenewalRefused[test.want]; n == 0 {
			t.Errorf("%s was not counted", test.want)
		}
	}
	if a := p.ask(`{"type":"ping","ack":2}`); a.Type != "ok" {
		t.Errorf("the connection does not go on: %+v", a)
	}
}

func TestRenewedTooLate(t *testing.T) {
	f := start(t, identity.Options{JWT: identity.JWT{Secret: theSecret, Leeway: -1}}, nil)
	at := soon()
	p, _ := f.connect(hs256(t, jwt.MapClaims{"exp": at.Unix()}))
	old := hs256(t, jwt.MapClaims{"exp": time.Now().Add(-time.Second).Unix()})
	if a := p.ask(`{"type":"renew","token":"` + old + `"}`); a.Type != "error" {
		t.Errorf("renewed with a token that has expired: %+v", a)
	}
	p.wantEnd(4401, "expired")
}

func TestNobodyRenewsWithoutTokens(t *testing.T) {
	f := start(t, identity.Options{Anonymous: identity.Anonymous{Allow: true, Prefix: "guest-"}}, nil)
	p, _, err := dial(t, f.serve(gateway.Rules{}), nil)
	if err != nil {
		t.Fatal(err)
	}
	if hello := p.read(); !strings.HasPrefix(hello.User, "guest-") || len(hello.User) < len("guest-")+20 {
		t.Errorf("the guest is called %q", hello.User)
	}
	if a := p.ask(`{"type":"renew","token":"` + hs256(t, nil) + `"}`); a.Code != "unsupported" {
		t.Errorf("answered with %+v", a)
	}
}

func TestNobodyElseWaitsForASlowApplication(t *testing.T) {
	asked, release := make(chan struct{}, 32), make(chan struct{})
	o := asking(nil)
	o.JWT.Secret = theSecret
	f := start(t, o, func(*http.Request) (*http.Response, error) {
		asked <- struct{}{}
		<-release
		return answer(200, `{"user":"43"}`), nil
	})
	url := f.serve(gateway.Rules{})
	p, _, err := dial(t, url+"?token="+hs256(t, nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	p.read()
	opened := make(chan error, cap(asked))
	for i := range cap(asked) {
		go func() {
			o := molva.DialOptions{Header: http.Header{"Cookie": {fmt.Sprint("session=", i)}}}
			_, _, err := dial(t, url, &o)
			opened <- err
		}()
	}
	for range cap(asked) {
		<-asked
	}
	if a := p.ask(`{"type":"ping","ack":1}`); a.Type != "ok" {
		t.Errorf("answered with %+v", a)
	}
	close(release)
	for range cap(asked) {
		if err := <-opened; err != nil {
			t.Error(err)
		}
	}
}

func TestATokenInASubprotocolIsNotChosen(t *testing.T) {
	f := start(t, identity.Options{JWT: identity.JWT{Secret: theSecret}}, nil)
	url := f.serve(gateway.Rules{})
	token := hs256(t, nil)
	for _, offer := range [][]string{{"molva.v1", "molva.token." + token}, {"molva.token." + token, "molva.v1"}} {
		p, response, err := dial(t, url, &molva.DialOptions{Subprotocols: offer})
		if err != nil {
			t.Fatal(err)
		}
		if hello := p.read(); hello.User != "42" {
			t.Errorf("hello is %+v", hello)
		}
		if got := response.Header.Get("Sec-WebSocket-Protocol"); got != "molva.v1" {
			t.Errorf("the subprotocol chosen is %q", got)
		}
		for name, values := range response.Header {
			if strings.Contains(strings.Join(values, ","), token) {
				t.Errorf("the token is in the response, in %s", name)
			}
		}
	}
	_, response, err := dial(t, url, &molva.DialOptions{Subprotocols: []string{"molva.token." + token}})
	if err == nil || response == nil || response.StatusCode != http.StatusBadRequest {
		t.Errorf("a token alone is accepted as a subprotocol: %v", err)
	}
}

func TestNoTokenIsLogged(t *testing.T) {
	tokens := map[string]string{
		"one without dots": "opaque0123456789", "nonsense": "0paque.n0nsense.s1gned", "an altered one": hs256(t, nil) + "altered",
	}
	for name, c := range map[string]jwt.MapClaims{
		"a good one":                  nil,
		"one that has expired":        {"exp": time.Now().Add(-time.Hour).Unix()},
		"one with a strange user":     {"sub": "secretive\nsub"},
		"one with a strange room":     {"rooms": []string{"secretive\troom"}},
		"one with a strange audience": {"aud": 1},
	} {
		tokens[name] = hs256(t, c)
	}
	for name, token := range tokens {
		t.Run(name, func(t *testing.T) {
			f := start(t, identity.Options{JWT: identity.JWT{Secret: theSecret, In: everyPlace}}, nil)
			f.tryEverywhere(token)
			logged := f.log.String()
			for part := range strings.SplitSeq(token+"."+theSecret+".secretive", ".") {
				if strings.Contains(logged, part) {
					t.Errorf("%q is in the log:\n%s", part, logged)
				}
			}
			if !strings.Contains(logged, "client refused") {
				t.Errorf("no refusal is logged:\n%s", logged)
			}
		})
	}
}

// tryEverywhere sends a token in every place and, where it is let in, renews with one that is not good.
func (f *fixture) tryEverywhere(token string) {
	url := f.serve(gateway.Rules{})
	for _, try := range []struct {
		query string
		o     molva.DialOptions
	}{
		{"?token=" + token, molva.DialOptions{}},
		{"?token=" + token + "&token=another", molva.DialOptions{}},
		{"", molva.DialOptions{Header: http.Header{"Authorization": {"Bearer " + token}}}},
		{"", molva.DialOptions{Header: http.Header{"Cookie": {"session=" + token}}}},
		{"", molva.DialOptions{Subprotocols: []string{"molva.v1", "molva.token." + token}}},
		{"", molva.DialOptions{Subprotocols: []string{"molva.token." + token}}},
	} {
		if p, _, err := dial(f, url+try.query, &try.o); err == nil {
			p.read()
			if a := p.ask(`{"type":"renew","token":"` + token + `x"}`); a.Type != "error" {
				f.Errorf("renewed: %+v", a)
			}
		}
	}
}

var everyPlace = []string{"query:token", "cookie:session", "header", "subprotocol"}
