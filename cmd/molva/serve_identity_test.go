//go:build unix

package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
)

// newIssuer returns the key of one who signs tokens.
func newIssuer(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// issue signs a token for the user 42. What claims say otherwise counts.
func issue(t *testing.T, method jwt.SigningMethod, key any, kid string, claims jwt.MapClaims) string {
	t.Helper()
	all := jwt.MapClaims{"sub": "42", "aud": "chat", "exp": time.Now().Add(time.Hour).Unix()}
	for name, value := range claims {
		all[name] = value
	}
	token := jwt.NewWithClaims(method, all)
	if kid != "" {
		token.Header["kid"] = kid
	}
	signed, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

func TestServeRefusesTokensThatAreNotGood(t *testing.T) {
	key, other := newIssuer(t), newIssuer(t)
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	s := startServer(t, "--jwt-key-file", file(t, string(public)), "--jwt-audience", "chat", "--anonymous", "--log-level", "debug")
	past, future := time.Now().Add(-time.Minute).Unix(), time.Now().Add(time.Minute).Unix()
	tokens := map[string]string{
		"expired":         issue(t, jwt.SigningMethodRS256, key, "", jwt.MapClaims{"exp": past}),
		"not yet valid":   issue(t, jwt.SigningMethodRS256, key, "", jwt.MapClaims{"nbf": future}),
		"wrong audience":  issue(t, jwt.SigningMethodRS256, key, "", jwt.MapClaims{"aud": "shop"}),
		"wrong algorithm": issue(t, jwt.SigningMethodRS512, key, "", nil),
		"none":            issue(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "", nil),
		"the public key":  issue(t, jwt.SigningMethodHS256, public, "", nil),
		"another key":     issue(t, jwt.SigningMethodRS256, other, "", nil),
	}
	for name, token := range tokens {
		t.Run(name, func(t *testing.T) {
			for _, try := range []struct{ query, field, value string }{
				{"token=" + token, "X-Nothing", ""},
				{"", "Authorization", "Bearer " + token},
			} {
				if _, status := s.enter(try.query, http.Header{try.field: {try.value}}); status != http.StatusUnauthorized {
					t.Errorf("in %s: status %d, want 401", try.field, status)
				}
			}
		})
	}
	tokens["good"] = issue(t, jwt.SigningMethodRS256, key, "", nil)
	c, _ := s.enter("token="+tokens["good"], nil)
	if hello := c.next(); hello.User != "42" {
		t.Errorf("a good token: %+v", hello)
	}
	s.until("client refused")
	logged := s.said()
	for name, token := range tokens {
		if signature := token[strings.LastIndex(token, ".")+1:]; signature != "" && strings.Contains(logged, signature) {
			t.Errorf("the token that is %s is in the log: %s", name, logged)
		}
	}
}

func TestServeFollowsTheKeysOfAnIssuer(t *testing.T) {
	old, next := newIssuer(t), newIssuer(t)
	var down atomic.Bool
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if down.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		text, err := (&jose.JSONWebKey{Key: old.Public(), KeyID: "old", Use: "sig"}).MarshalJSON()
		if err != nil {
			t.Error(err)
		}
		fmt.Fprintf(w, `{"keys":[%s]}`, text)
	}))
	defer issuer.Close()
	good := issue(t, jwt.SigningMethodRS256, old, "old", nil)

	s := startServer(t, "--jwt-jwks-url", issuer.URL)
	s.refuses("token="+issue(t, jwt.SigningMethodRS256, next, "next", nil), nil, 401)
	s.refuses("token="+good, nil, 101)
	down.Store(true)
	s.refuses("token="+good, nil, 101)

	s = startServer(t, "--jwt-jwks-url", issuer.URL) // of which it knows no keys yet
	s.refuses("token="+good, nil, 503)
}
