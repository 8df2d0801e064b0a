package identity_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/identity"
)

// soon is a time that a token can name, and that is still to come when a connection has been made.
func soon() time.Time { return time.Now().Add(8 * time.Second).Truncate(time.Second) }

func TestAConnectionEndsWhenItsTokenExpires(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
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
