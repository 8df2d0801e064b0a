//go:build browser && unix

package main

import (
	"crypto/rsa"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"

	"github.com/molva-ws/molva/gateway/identity"
	"github.com/molva-ws/molva/internal/freeaddr"
)

// publish has an issuer publish a key at an address, until down is called.
func publish(t *testing.T, address string, key *rsa.PrivateKey, kid string) (down func()) {
	t.Helper()
	text, err := (&jose.JSONWebKey{Key: key.Public(), KeyID: kid, Use: "sig"}).MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	issuer := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"keys":[%s]}`, text)
	}))
	issuer.Listener.Close()
	issuer.Listener = l
	issuer.Start()
	t.Cleanup(issuer.Close)
	return issuer.Close
}

// follower is a page that comes in by the keys of an issuer, and is counted.
type follower struct {
	page
	server *served
	issuer string // its address
	want   outcome
}

func (a *entrance) follow(t *testing.T) *follower {
	f := &follower{page: a.open(t), issuer: freeaddr.Get(t), want: outcome{}}
	f.server = a.serve(t, "[auth.jwt]\njwks_url = 'http://"+f.issuer+"/keys'\njwks_refresh = '1s'\n")
	return f
}

// try comes in with a token in the query, and counts what becomes of it.
func (f *follower) try(token string, reason identity.Reason) (in bool) {
	f.Helper()
	seen := f.enter(f.server, carriers["query"](token))
	switch seen {
	case welcome("42"):
		f.want.in(identity.ByToken, 1)
		return true
	case refusals[reason]:
		f.want.out(reason, 1)
	default:
		f.Fatalf("the page sees %+v", seen)
	}
	return false
}

// lets checks that a token is good.
func (f *follower) lets(token string) {
	f.Helper()
	if !f.try(token, identity.UnknownKey) {
		f.Errorf("refused is %+v", f.want)
	}
}

// refuses checks that a token is not.
func (f *follower) refuses(token string, reason identity.Reason) {
	f.Helper()
	if f.try(token, reason) {
		f.Errorf("it comes in; want %s", reason)
	}
}

// until tries until the server has noticed what changed: it asks an issuer every 10 seconds at most.
func (f *follower) until(noticed func() bool) {
	f.Helper()
	for end := time.Now().Add(patience); !noticed(); time.Sleep(500 * time.Millisecond) {
		if time.Now().After(end) {
			f.Fatalf("in vain; %s", f.server.said())
		}
	}
}

// keys has pages come in while the keys of an issuer change, cannot be had, or can be had no more.
func (a *entrance) keys(t *testing.T) {
	old, next := newIssuer(t), newIssuer(t)
	by := func(key *rsa.PrivateKey, kid string) string { return issue(t, jwt.SigningMethodRS256, key, kid, nil) }
	t.Run("rotated", func(t *testing.T) {
		t.Parallel()
		f := a.follow(t)
		down := publish(t, f.issuer, old, "old")
		f.lets(by(old, "old"))
		f.refuses(by(next, "next"), identity.UnknownKey)
		down()
		publish(t, f.issuer, next, "next")
		f.until(func() bool { return f.try(by(next, "next"), identity.UnknownKey) })
		f.refuses(by(old, "old"), identity.UnknownKey)
		f.server.told(f.want, by(old, "old"), by(next, "next"))
	})
	t.Run("down at first", func(t *testing.T) {
		t.Parallel()
		f := a.follow(t)
		f.refuses(by(old, "old"), identity.NoKeys)
		publish(t, f.issuer, old, "old")
		f.until(func() bool { return f.try(by(old, "old"), identity.NoKeys) })
		f.server.told(f.want, by(old, "old"))
	})
	t.Run("down later", func(t *testing.T) {
		t.Parallel()
		f := a.follow(t)
		down := publish(t, f.issuer, old, "old")
		f.lets(by(old, "old"))
		down()
		f.until(func() bool {
			f.lets(by(old, "old"))
			return !strings.Contains(get(t, f.server.url+"/metrics"), "molva_identity_key_failures_total 0")
		})
		f.lets(by(old, "old"))
		f.refuses(by(next, "next"), identity.NoKeys)
		f.server.told(f.want, by(old, "old"), by(next, "next"))
	})
}
