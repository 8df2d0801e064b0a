package identity_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway/identity"
)

const jwksURL = "https://issuer.example/keys"

// issuer publishes keys.
type issuer struct {
	fetches atomic.Int32
	mu      sync.Mutex
	status  int
	body    string
}

func (i *issuer) publish(status int, keys ...string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.status, i.body = status, `{"keys":[`+strings.Join(keys, ",")+`]}`
}

func (i *issuer) RoundTrip(*http.Request) (*http.Response, error) {
	i.fetches.Add(1)
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.status == 0 {
		return nil, errors.New("connection refused")
	}
	return answer(i.status, i.body), nil
}

// wantFetches holds how often keys were fetched against a number.
func (i *issuer) wantFetches(t testing.TB, want int32) {
	t.Helper()
	if got := i.fetches.Load(); got != want {
		t.Errorf("keys were fetched %d times; want %d", got, want)
	}
}

// signedBy are upgrades with tokens that name the key kid.
func signedBy(t testing.TB, kid string) *molva.Upgrade {
	private := rsaKey()
	if kid == "new" {
		private = otherRSAKey()
	}
	return withToken(sign(t, jwt.SigningMethodRS256, private, kid, claims(jwt.MapClaims{"exp": nil})))
}

// inBubble runs a test with a clock of its own, and with a chain that asks an issuer.
func inBubble(t *testing.T, test func(t *testing.T, f *fixture, i *issuer, o identity.Options)) {
	synctest.Test(t, func(t *testing.T) {
		i := new(issuer)
		i.publish(200, jwkOf(t, rsaKey().Public(), "old", "RS256", "sig"))
		o := identity.Options{JWT: identity.JWT{JWKSURL: jwksURL, AllowNoExpiry: true}}
		test(t, start(t, o, i.RoundTrip), i, o)
	})
}

func TestKeysAreFetchedOnceAndKept(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture, i *issuer, _ identity.Options) {
		i.wantFetches(t, 0)
		for range 10 {
			f.wantUser(signedBy(t, "old"), "42")
		}
		i.wantFetches(t, 1)
		time.Sleep(10*time.Minute - 1)
		f.wantUser(signedBy(t, "old"), "42")
		i.wantFetches(t, 1)
		time.Sleep(time.Nanosecond)
		f.wantUser(signedBy(t, "old"), "42")
		f.wantUser(signedBy(t, "old"), "42")
		i.wantFetches(t, 2)
	})
}

func TestAKeyIsRotated(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture, i *issuer, _ identity.Options) {
		f.wantUser(signedBy(t, "old"), "42")
		i.publish(200, jwkOf(t, rsaKey().Public(), "old", "", ""), jwkOf(t, otherRSAKey().Public(), "new", "", ""))
		f.wantRefused(signedBy(t, "new"), 401, identity.UnknownKey) // so soon nobody looks
		time.Sleep(10 * time.Second)
		f.wantUser(signedBy(t, "new"), "42")
		f.wantUser(signedBy(t, "old"), "42")
		i.wantFetches(t, 2)

		i.publish(200, jwkOf(t, otherRSAKey().Public(), "new", "", ""))
		time.Sleep(10 * time.Minute)
		f.wantUser(signedBy(t, "new"), "42")
		f.wantRefused(signedBy(t, "old"), 401, identity.UnknownKey)
	})
}

func TestStrangersDoNotHaveKeysFetchedOften(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture, i *issuer, _ identity.Options) {
		for range 100 {
			f.wantRefused(signedBy(t, "made up"), 401, identity.UnknownKey)
			time.Sleep(100 * time.Millisecond)
		}
		i.wantFetches(t, 1)
		f.wantRefused(signedBy(t, "made up"), 401, identity.UnknownKey)
		i.wantFetches(t, 2)
	})
}

func TestKeysStayGoodWhileTheURLIsDown(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture, i *issuer, o identity.Options) {
		f.wantUser(signedBy(t, "old"), "42")
		i.publish(0)
		time.Sleep(24 * time.Hour)
		f.wantUser(signedBy(t, "old"), "42")
		f.wantRefused(signedBy(t, "new"), 503, identity.NoKeys)
		if err := f.Reload(o); err != nil {
			t.Fatal(err)
		}
		f.wantUser(signedBy(t, "old"), "42")
		if !strings.Contains(f.log.String(), "those before stay good") {
			t.Errorf("logged is %s", f.log)
		}
		if n := f.Stats().Keys; n.Fetches != 3 || n.Failures != 2 {
			t.Errorf("counted are %+v", n)
		}
	})
}

func TestKeysOfAnotherURLAreNotKept(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture, i *issuer, o identity.Options) {
		f.wantUser(signedBy(t, "old"), "42")
		i.publish(0)
		o.JWT.JWKSURL = "https://another.example/keys"
		if err := f.Reload(o); err != nil {
			t.Fatal(err)
		}
		f.wantRefused(signedBy(t, "old"), 503, identity.NoKeys)
	})
}

func TestTheURLIsDownFromTheBeginning(t *testing.T) {
	inBubble(t, func(t *testing.T, f *fixture, i *issuer, _ identity.Options) {
		i.publish(0)
		refusal := f.wantRefused(signedBy(t, "old"), 503, identity.NoKeys)
		if after := refusal.Header.Get("Retry-After"); after != "10" {
			t.Errorf("Retry-After is %q; want 10", after)
		}
		f.wantRefused(signedBy(t, "old"), 503, identity.NoKeys)
		i.wantFetches(t, 1)
		i.publish(200, jwkOf(t, rsaKey().Public(), "old", "", ""))
		time.Sleep(10 * time.Second)
		f.wantUser(signedBy(t, "old"), "42")
	})
}

func TestWhatAURLMustNotPublish(t *testing.T) {
	good := jwkOf(t, rsaKey().Public(), "old", "", "")
	keys := make([]string, 65)
	for n := range keys {
		keys[n] = good
	}
	for name, test := range map[string]struct {
		status int
		keys   []string
	}{
		"a secret":         {200, []string{jwkOf(t, []byte(theSecret), "old", "", "")}},
		"a private key":    {200, []string{jwkOf(t, rsaKey(), "old", "", "")}},
		"a weak key":       {200, []string{jwkOf(t, smallRSAKey().Public(), "old", "", "")}},
		"a key to encrypt": {200, []string{jwkOf(t, rsaKey().Public(), "old", "", "enc")}},
		"nothing":          {200, nil},
		"too many keys":    {200, keys},
		"too much":         {200, []string{strings.Repeat(" ", 256<<10), good}},
		"no JSON":          {200, []string{"<html>"}},
		"a redirect":       {302, []string{good}},
		"an error":         {500, []string{good}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, f *fixture, i *issuer, _ identity.Options) {
				i.publish(test.status, test.keys...)
				f.wantRefused(signedBy(t, "old"), 503, identity.NoKeys)
				i.wantFetches(t, 1)
			})
		})
	}
}

func TestSecretsAreNotLookedForAtAURL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := new(issuer)
		f := start(t, identity.Options{JWT: identity.JWT{JWKSURL: jwksURL, Secret: theSecret}}, i.RoundTrip)
		f.wantUser(withToken(hs256(t, nil)), "42")
		i.wantFetches(t, 0)
	})
}

func TestManyWaitForOneFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys, fetches := jwkOf(t, rsaKey().Public(), "old", "", ""), 0
		f := start(t, identity.Options{JWT: identity.JWT{JWKSURL: jwksURL}}, func(*http.Request) (*http.Response, error) {
			fetches++
			time.Sleep(3 * time.Second)
			return answer(200, `{"keys":[`+keys+`]}`), nil
		})
		token := sign(t, jwt.SigningMethodRS256, rsaKey(), "old", claims(nil))
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { f.wantUser(withToken(token), "42") })
		}
		all.Wait()
		if fetches != 1 {
			t.Errorf("keys were fetched %d times; want once", fetches)
		}
	})
}

func TestOldKeysServeWhileNewOnesAreFetched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys, takes := jwkOf(t, rsaKey().Public(), "old", "", ""), time.Duration(0)
		f := start(t, identity.Options{JWT: identity.JWT{JWKSURL: jwksURL}}, func(*http.Request) (*http.Response, error) {
			time.Sleep(takes)
			return answer(200, `{"keys":[`+keys+`]}`), nil
		})
		f.wantUser(withToken(sign(t, jwt.SigningMethodRS256, rsaKey(), "old", claims(nil))), "42")
		time.Sleep(10 * time.Minute)
		takes = 4 * time.Second
		token := sign(t, jwt.SigningMethodRS256, rsaKey(), "old", claims(nil))
		var first sync.WaitGroup
		first.Go(func() { f.wantUser(withToken(token), "42") })
		synctest.Wait() // it fetches now
		began := time.Now()
		f.wantUser(withToken(token), "42")
		if waited := time.Since(began); waited > 0 {
			t.Errorf("with keys that are still good, one waited %v", waited)
		}
		first.Wait()
	})
}

func TestAURLThatNeverAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, identity.Options{JWT: identity.JWT{JWKSURL: jwksURL}}, func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, context.Cause(r.Context())
		})
		began := time.Now()
		f.wantRefused(withToken(sign(t, jwt.SigningMethodRS256, rsaKey(), "old", claims(nil))), 503, identity.NoKeys)
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("it took %v; want 5 s", took)
		}
	})
}

func TestKeysComeByHTTPSOnly(t *testing.T) {
	for url, ok := range map[string]bool{
		"https://issuer.example/keys": true, "http://issuer.example/keys": false, "http://localhost:8080/keys": true,
		"http://127.0.0.1/keys": true, "http://[::1]/keys": true, "http://127.0.0.1.example/": false, "ftp://issuer.example/": false,
		"file:///etc/keys": false, "issuer.example/keys": false, "https://": false, "https://issuer.example/#keys": false,
	} {
		o := identity.Options{JWT: identity.JWT{JWKSURL: url}}
		_, err := identity.New(o)
		var wrong *identity.OptionError
		if ok != (err == nil) || !ok && (!errors.As(err, &wrong) || wrong.Option != "JWT.JWKSURL") {
			t.Errorf("%s: %v", url, err)
		}
	}
	if _, err := identity.New(identity.Options{JWT: identity.JWT{JWKSURL: "http://issuer.example/", JWKSInsecure: true}}); err != nil {
		t.Errorf("with JWKSInsecure: %v", err)
	}
}
