package identity_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway/identity"
)

func withToken(token string) *molva.Upgrade { return upgrade("/ws", "Authorization", "Bearer "+token) }

func TestAGoodTokenOfEachAlgorithm(t *testing.T) {
	keys := pemOf(t, rsaKey().Public()) + pemOf(t, ecKey().Public()) + pemOf(t, edKey().Public())
	f := start(t, identity.Options{JWT: identity.JWT{Secret: theSecret, KeyFile: fileOf(t, keys)}}, nil)
	for _, test := range []struct {
		method  jwt.SigningMethod
		private any
	}{
		{jwt.SigningMethodHS256, []byte(theSecret)},
		{jwt.SigningMethodHS384, []byte(theSecret)},
		{jwt.SigningMethodHS512, []byte(theSecret)},
		{jwt.SigningMethodRS256, rsaKey()},
		{jwt.SigningMethodES256, ecKey()},
		{jwt.SigningMethodEdDSA, edKey()},
	} {
		t.Run(test.method.Alg(), func(t *testing.T) {
			for _, kid := range []string{"", "some"} {
				f.wantUser(withToken(sign(t, test.method, test.private, kid, claims(nil))), "42")
			}
		})
	}
	if n := f.Stats().Admitted[identity.ByToken]; n != 12 {
		t.Errorf("%d were counted; want 12", n)
	}
}

func TestATokenThatIsNotGood(t *testing.T) {
	now := time.Now()
	rsaPEM := pemOf(t, rsaKey().Public())
	rsaDER := made(x509.MarshalPKIXPublicKey(rsaKey().Public()))
	none := sign(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "", claims(nil))
	good := hs256(t, nil)
	many := make([]string, 257)
	for i := range many {
		many[i] = "room"
	}
	o := identity.JWT{
		Secret: theSecret, KeyFile: fileOf(t, rsaPEM), Audience: []string{"chat", "mail"}, Issuer: "https://issuer.example",
	}
	f := start(t, identity.Options{JWT: o, Anonymous: identity.Anonymous{Allow: true}}, nil)
	with := func(name string, value any) string { return hs256(t, jwt.MapClaims{name: value}) }
	for name, test := range map[string]struct {
		token string
		want  identity.Reason
	}{
		"expired":                     {with("exp", now.Add(-time.Minute).Unix()), identity.Expired},
		"not yet valid":               {with("nbf", now.Add(time.Minute).Unix()), identity.NotYetValid},
		"no exp":                      {with("exp", nil), identity.BadClaims},
		"exp is 0":                    {with("exp", 0), identity.BadClaims},
		"exp is text":                 {with("exp", "tomorrow"), identity.BadClaims},
		"exp is beyond all times":     {with("exp", json.Number("1e300")), identity.BadClaims},
		"exp is in milliseconds":      {with("exp", now.Add(time.Hour).UnixMilli()), identity.BadClaims},
		"exp is before all times":     {with("exp", json.Number("-1e300")), identity.BadClaims},
		"nbf is beyond all times":     {with("nbf", json.Number("1e300")), identity.BadClaims},
		"nbf is where a time ends":    {with("nbf", json.Number("9223372036854775807")), identity.BadClaims},
		"nbf is text":                 {with("nbf", "tomorrow"), identity.BadClaims},
		"wrong audience":              {with("aud", "shop"), identity.WrongAudience},
		"wrong audiences":             {with("aud", []string{"shop", "Chat"}), identity.WrongAudience},
		"no audience":                 {with("aud", nil), identity.BadClaims},
		"wrong issuer":                {with("iss", "https://issuer.example/"), identity.WrongIssuer},
		"no issuer":                   {with("iss", nil), identity.BadClaims},
		"no user":                     {with("sub", nil), identity.BadClaims},
		"empty user":                  {with("sub", ""), identity.BadClaims},
		"user is a number":            {with("sub", 42), identity.BadClaims},
		"user with a control sign":    {with("sub", "a\nb"), identity.BadClaims},
		"user is the gateway's":       {with("sub", "$stats"), identity.BadClaims},
		"user is too long":            {with("sub", strings.Repeat("u", 129)), identity.BadClaims},
		"rooms is text":               {with("rooms", "news"), identity.BadClaims},
		"rooms of numbers":            {with("rooms", []int{1}), identity.BadClaims},
		"rooms without end":           {with("rooms", many), identity.BadClaims},
		"an empty room":               {with("rooms", []string{""}), identity.BadClaims},
		"a room too long":             {with("rooms", []string{strings.Repeat("r", 257)}), identity.BadClaims},
		"a room with a control sign":  {with("publish", []string{"a\x00"}), identity.BadClaims},
		"none":                        {none, identity.BadAlgorithm},
		"None":                        {reheaded(good, `{"alg":"None"}`, ""), identity.BadAlgorithm},
		"no algorithm":                {reheaded(good, `{"typ":"JWT"}`, ""), identity.BadAlgorithm},
		"an algorithm that is known":  {sign(t, jwt.SigningMethodRS384, rsaKey(), "", claims(nil)), identity.BadAlgorithm},
		"an algorithm without keys":   {sign(t, jwt.SigningMethodES256, ecKey(), "", claims(nil)), identity.UnknownKey},
		"HS256 with the public PEM":   {sign(t, jwt.SigningMethodHS256, []byte(rsaPEM), "", claims(nil)), identity.BadSignature},
		"HS256 with the public DER":   {sign(t, jwt.SigningMethodHS256, rsaDER, "", claims(nil)), identity.BadSignature},
		"HS256 with the modulus":      {sign(t, jwt.SigningMethodHS256, rsaKey().N.Bytes(), "", claims(nil)), identity.BadSignature},
		"signed with another key":     {sign(t, jwt.SigningMethodRS256, otherRSAKey(), "", claims(nil)), identity.BadSignature},
		"signed with another secret":  {sign(t, jwt.SigningMethodHS256, []byte(theSecret+"0"), "", claims(nil)), identity.BadSignature},
		"no signature":                {good[:strings.LastIndex(good, ".")+1], identity.BadSignature},
		"half a signature":            {good[:len(good)-20], identity.BadSignature},
		"other claims":                {reclaimed(good, `{"sub":"1","exp":99999999999}`), identity.BadSignature},
		"what is critical is unknown": {reheaded(good, `{"alg":"HS256","crit":["b64"],"b64":false}`, theSecret), identity.BadToken},
		"two parts":                   {"a.b", identity.BadToken},
		"four parts":                  {good + ".x", identity.BadToken},
		"no base64":                   {"?.?.?", identity.BadToken},
		"no JSON":                     {"AAAA.AAAA.AAAA", identity.BadToken},
		"nothing but dots":            {"..", identity.BadToken},
		"very long":                   {strings.Repeat("a", 16<<10+1), identity.BadToken},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fixture{TB: t, Chain: f.Chain, log: f.log}
			refusal := f.wantRefused(withToken(test.token), http.StatusUnauthorized, test.want)
			if refusal != nil && refusal.Header.Get("WWW-Authenticate") == "" {
				t.Error("a 401 without WWW-Authenticate")
			}
		})
	}
	f.wantUser(withToken(good), "42")
}

func TestTheLogSaysWhichClaimIsNotAsItMustBe(t *testing.T) {
	o := identity.JWT{Secret: theSecret, Audience: []string{"chat"}, Issuer: "https://issuer.example"}
	for name, value := range map[string]any{"exp": nil, "nbf": "tomorrow", "aud": nil, "iss": 5, "sub": "$stats", "rooms": "news"} {
		f := start(t, identity.Options{JWT: o}, nil)
		f.wantRefused(withToken(hs256(t, jwt.MapClaims{name: value})), 401, identity.BadClaims)
		if logged := f.log.String(); !strings.Contains(logged, name+" ") {
			t.Errorf("nothing is said of %s: %s", name, logged)
		}
	}
}

// reheaded is a token with another header, signed with a secret if there is one.
func reheaded(token, header, secret string) string {
	parts := strings.Split(token, ".")
	parts[0] = base64.RawURLEncoding.EncodeToString([]byte(header))
	if secret != "" {
		signature := made(jwt.SigningMethodHS256.Sign(parts[0]+"."+parts[1], []byte(secret)))
		parts[2] = base64.RawURLEncoding.EncodeToString(signature)
	}
	return strings.Join(parts, ".")
}

// reclaimed is a token with other claims under the old signature.
func reclaimed(token, claims string) string {
	parts := strings.Split(token, ".")
	parts[1] = base64.RawURLEncoding.EncodeToString([]byte(claims))
	return strings.Join(parts, ".")
}

func TestAPublicKeyIsNoSecret(t *testing.T) {
	public := pemOf(t, rsaKey().Public())
	f := start(t, identity.Options{JWT: identity.JWT{KeyFile: fileOf(t, public)}}, nil)
	for _, method := range []jwt.SigningMethod{jwt.SigningMethodHS256, jwt.SigningMethodHS384, jwt.SigningMethodHS512} {
		f.wantRefused(withToken(sign(t, method, []byte(public), "", claims(nil))), 401, identity.UnknownKey)
	}
}

func TestOnlyTheAlgorithmsAllowed(t *testing.T) {
	o := identity.JWT{Secret: theSecret, Algorithms: []string{"HS512", "RS256"}}
	f := start(t, identity.Options{JWT: o}, nil)
	f.wantUser(withToken(sign(t, jwt.SigningMethodHS512, []byte(theSecret), "", claims(nil))), "42")
	f.wantRefused(withToken(hs256(t, nil)), 401, identity.BadAlgorithm)
}

func TestClocksMayDifferALittle(t *testing.T) {
	for _, test := range []struct {
		leeway      time.Duration // as in the options
		good, wrong time.Duration // by how much clocks differ
	}{
		{0, 9 * time.Second, 11 * time.Second},
		{time.Minute, 59 * time.Second, 61 * time.Second},
		{-1, 0, time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := start(t, identity.Options{JWT: identity.JWT{Secret: theSecret, Leeway: test.leeway}}, nil)
			early := func(by time.Duration) *molva.Upgrade {
				return withToken(hs256(t, jwt.MapClaims{"nbf": time.Now().Add(by).Unix()}))
			}
			late := func(by time.Duration) *molva.Upgrade {
				return withToken(hs256(t, jwt.MapClaims{"exp": time.Now().Add(-by).Unix()}))
			}
			f.wantUser(early(test.good), "42")
			f.wantRefused(early(test.wrong), 401, identity.NotYetValid)
			f.wantRefused(late(test.wrong), 401, identity.Expired)
			if test.good > 0 {
				u := late(test.good)
				f.wantUser(u, "42")
				if left := time.Until(expiryOf(u)); left != f.leewayLeft(test.leeway, test.good) {
					t.Errorf("the connection ends in %v, though the leeway ends in %v", left, f.leewayLeft(test.leeway, test.good))
				}
			}
		})
	}
}

func (f *fixture) leewayLeft(leeway, used time.Duration) time.Duration {
	if leeway == 0 {
		leeway = 10 * time.Second
	}
	return leeway - used
}

func expiryOf(u *molva.Upgrade) time.Time {
	return u.Value.(interface{ Expires() time.Time }).Expires()
}

func TestATokenThatNeverExpires(t *testing.T) {
	f := start(t, identity.Options{JWT: identity.JWT{Secret: theSecret, AllowNoExpiry: true}}, nil)
	u := withToken(hs256(t, jwt.MapClaims{"exp": nil}))
	f.wantUser(u, "42")
	if at := expiryOf(u); !at.IsZero() {
		t.Errorf("it expires at %v", at)
	}
	f.wantRefused(withToken(hs256(t, jwt.MapClaims{"exp": 1})), 401, identity.Expired)
}

func TestKeysInFiles(t *testing.T) {
	public, private := rsaKey().Public(), rsaKey()
	rs256 := func(kid string) string { return sign(t, jwt.SigningMethodRS256, private, kid, claims(nil)) }
	set := func(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }
	secret := jwkOf(t, []byte(theSecret), "s", "HS256", "")
	for name, test := range map[string]struct {
		file, token string
		want        identity.Reason // "" is none
	}{
		"PEM":                      {pemOf(t, public), rs256(""), ""},
		"PEM for any kid":          {pemOf(t, public), rs256("k"), ""},
		"JWK":                      {jwkOf(t, public, "k", "", ""), rs256("k"), ""},
		"JWK without kid":          {jwkOf(t, public, "", "RS256", "sig"), rs256("k"), ""},
		"JWK of another name":      {jwkOf(t, public, "other", "", ""), rs256("k"), identity.UnknownKey},
		"token without kid":        {jwkOf(t, public, "k", "", ""), rs256(""), ""},
		"set":                      {set(jwkOf(t, otherRSAKey().Public(), "a", "", ""), jwkOf(t, public, "k", "", "")), rs256("k"), ""},
		"set with names reversed":  {set(jwkOf(t, otherRSAKey().Public(), "k", "", ""), jwkOf(t, public, "a", "", "")), rs256("k"), identity.BadSignature},
		"set with useless ones":    {set(`{"kty":"?"}`, `{}`, jwkOf(t, public, "k", "", "enc"), jwkOf(t, ec384Key().Public(), "", "", ""), jwkOf(t, public, "k", "", "")), rs256("k"), ""},
		"key for another alg":      {set(jwkOf(t, public, "k", "RS512", ""), jwkOf(t, public, "z", "", "")), rs256("k"), identity.UnknownKey},
		"secret":                   {secret, hs256(t, nil), ""},
		"secret for HS256 only":    {secret, sign(t, jwt.SigningMethodHS512, []byte(theSecret), "", claims(nil)), identity.UnknownKey},
		"public key beside secret": {set(secret, jwkOf(t, public, "k", "", "")), sign(t, jwt.SigningMethodHS256, rsaKey().N.Bytes(), "k", claims(nil)), identity.UnknownKey},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, identity.Options{JWT: identity.JWT{KeyFile: fileOf(t, test.file)}}, nil)
			if test.want == "" {
				f.wantUser(withToken(test.token), "42")
			} else {
				f.wantRefused(withToken(test.token), 401, test.want)
			}
		})
	}
}

func TestGrantOfAToken(t *testing.T) {
	f := start(t, identity.Options{JWT: identity.JWT{Secret: theSecret}}, nil)
	exp := time.Now().Add(time.Minute).Truncate(time.Second)
	_, granted := f.connect(hs256(t, jwt.MapClaims{"exp": exp.Unix()}))
	want := &identity.Grant{
		User: "42", Join: []string{"news.*"}, Publish: []string{"news.42"}, Expires: exp, By: identity.ByToken,
	}
	if got := <-granted; !reflect.DeepEqual(got, want) {
		t.Errorf("granted %+v; want %+v", got, want)
	}
}
