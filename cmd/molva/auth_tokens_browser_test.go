//go:build browser && unix

package main

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/molva-ws/molva/gateway/identity"
)

// publicPEM returns a public key as a file of keys has it.
func publicPEM(t *testing.T, key *rsa.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// tokens has pages come in with tokens of all kinds, each way that a page can send one.
func (a *entrance) tokens(t *testing.T) {
	key, p := newIssuer(t), a.open(t)
	public := publicPEM(t, key)
	config := `[auth.jwt]
key_file = '` + file(t, public) + `'
secret = "` + firstSecret + `"
audience = ["chat"]
leeway = "0s"
in = ["query:token", "cookie:jwt", "subprotocol"]
`
	rs256 := func(changes jwt.MapClaims) string { return issue(t, jwt.SigningMethodRS256, key, "", changes) }
	past, future := time.Now().Add(-time.Minute).Unix(), time.Now().Add(time.Hour).Unix()
	good := rs256(nil)
	for name, test := range map[string]struct {
		token  string
		reason identity.Reason // "" if it is good
	}{
		"good":                       {good, ""},
		"good, by the secret":        {issue(t, jwt.SigningMethodHS256, []byte(firstSecret), "", nil), ""},
		"expired":                    {rs256(jwt.MapClaims{"exp": past}), identity.Expired},
		"not yet valid":              {rs256(jwt.MapClaims{"nbf": future}), identity.NotYetValid},
		"wrong audience":             {rs256(jwt.MapClaims{"aud": "shop"}), identity.WrongAudience},
		"wrong algorithm":            {issue(t, jwt.SigningMethodRS512, key, "", nil), identity.BadAlgorithm},
		"none":                       {issue(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "", nil), identity.BadAlgorithm},
		"HS256 by the public key":    {issue(t, jwt.SigningMethodHS256, []byte(public), "", nil), identity.BadSignature},
		"of another issuer":          {issue(t, jwt.SigningMethodRS256, newIssuer(t), "", nil), identity.BadSignature},
		"of a user without a name":   {rs256(jwt.MapClaims{"sub": ""}), identity.BadClaims},
		"none that anybody has made": {"n0nsense.0f.s0mebody", identity.BadToken},
	} {
		t.Run(name, func(t *testing.T) {
			s, p := a.serve(t, config), page{t, p.Tab}
			want, tried := outcome{}.in(identity.ByToken, 1), welcome("42")
			if test.reason == "" {
				want.in(identity.ByToken, len(carriers))
			} else {
				want.out(test.reason, len(carriers))
				tried = refusals[test.reason]
			}
			for _, carry := range carriers {
				p.enters(s, carry(test.token), tried)
			}
			p.enters(s, carriers["query"](good), welcome("42"))
			s.told(want, good, test.token, firstSecret)
		})
	}
	t.Run("no token", func(t *testing.T) {
		s := a.serve(t, config)
		page{t, p.Tab}.enters(s, credentials{}, refusals[identity.Unknown])
		s.told(outcome{}.out(identity.Unknown, 1))
	})
}
