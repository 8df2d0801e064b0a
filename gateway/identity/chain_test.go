package identity_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/identity"
)

// serveSite serves a real site until the test ends.
func serveSite(t testing.TB, handler http.HandlerFunc) (url string) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func TestWithoutOptionsNobodyComesIn(t *testing.T) {
	f := start(t, identity.Options{}, nil)
	f.wantRefused(upgrade("/ws?user=42&token="+hs256(t, nil)), http.StatusUnauthorized, identity.Unknown)
}

func TestTheOrderOfTheChain(t *testing.T) {
	o := asking(nil)
	o.JWT.Secret = theSecret
	o.Anonymous = identity.Anonymous{Allow: true, Prefix: "guest-"}
	asked := 0
	f := start(t, o, func(r *http.Request) (*http.Response, error) {
		asked++
		if r.Header.Get("Cookie") == "" {
			return answer(401, ""), nil
		}
		return answer(200, `{"user":"known"}`), nil
	})
	f.wantUser(upgrade("/ws?token="+hs256(t, nil), "Cookie", "a=b"), "42")
	f.wantRefused(upgrade("/ws?token=bad", "Cookie", "a=b"), 401, identity.BadToken)
	f.wantRefused(upgrade("/ws?token="+hs256(t, jwt.MapClaims{"exp": 1}), "Cookie", "a=b"), 401, identity.Expired)
	if asked != 0 {
		t.Error("the application was asked although there was a token")
	}
	f.wantUser(upgrade("/ws", "Cookie", "a=b"), "known")
	u := upgrade("/ws")
	if err := f.Identify(u); err != nil || !strings.HasPrefix(u.User, "guest-") {
		t.Errorf("a stranger is called %q (%v)", u.User, err)
	}
	want := map[identity.Source]uint64{identity.ByToken: 1, identity.ByApplication: 1, identity.ByNobody: 1}
	for by, n := range f.Stats().Admitted {
		if n != want[by] {
			t.Errorf("%d were let in by %s; want %d", n, by, want[by])
		}
	}
}

func TestAnonymousClients(t *testing.T) {
	f := start(t, identity.Options{Anonymous: identity.Anonymous{Allow: true}}, nil)
	f.wantUser(upgrade("/ws?user=42"), "")
	f = start(t, identity.Options{Anonymous: identity.Anonymous{Allow: true, Prefix: "guest-"}}, nil)
	one, two := upgrade("/ws"), upgrade("/ws")
	f.Identify(one)
	f.Identify(two)
	if one.User == two.User || !strings.HasPrefix(one.User, "guest-") {
		t.Errorf("two guests are called %q and %q", one.User, two.User)
	}
	for _, prefix := range []string{"$guest", "a\n", strings.Repeat("g", 110)} {
		wantOptionError(t, identity.Options{Anonymous: identity.Anonymous{Allow: true, Prefix: prefix}}, "Anonymous.Prefix")
	}
}

func TestReloadIsAllOrNothing(t *testing.T) {
	f := start(t, identity.Options{JWT: identity.JWT{Secret: theSecret}}, nil)
	f.wantUser(withToken(hs256(t, nil)), "42")
	bad := identity.Options{
		JWT: identity.JWT{Secret: "short", In: []string{"body"}, Algorithms: []string{"none"}}, Anonymous: identity.Anonymous{Allow: true},
		Application: identity.Application{URL: "x"},
	}
	err := f.Reload(bad)
	if err == nil {
		t.Fatal("bad options are taken")
	}
	for _, option := range []string{"JWT.Secret", "JWT.In", "JWT.Algorithms", "Application.URL"} {
		if !strings.Contains(err.Error(), option+": ") {
			t.Errorf("%s is not among the mistakes: %v", option, err)
		}
	}
	f.wantRefused(upgrade("/ws"), 401, identity.Unknown)
	f.wantUser(withToken(hs256(t, nil)), "42")
	if err := f.Reload(identity.Options{Anonymous: identity.Anonymous{Allow: true}}); err != nil {
		t.Fatal(err)
	}
	f.wantUser(withToken(hs256(t, nil)), "")
	if n := f.Stats().Admitted[identity.ByToken]; n != 2 {
		t.Errorf("after a reload %d are counted that had a token; want 2", n)
	}
}

func TestKeyFilesThatCannotBeUsed(t *testing.T) {
	for name, text := range map[string]string{
		"empty":             "",
		"no key":            "hello",
		"a private key":     "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		"another block":     "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
		"broken PEM":        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
		"a weak RSA key":    pemOf(t, smallRSAKey().Public()),
		"P-384":             pemOf(t, ec384Key().Public()),
		"broken JSON":       `{"keys":[`,
		"an empty set":      `{"keys":[]}`,
		"a private JWK":     jwkOf(t, rsaKey(), "k", "", ""),
		"a short secret":    jwkOf(t, []byte("short"), "k", "", ""),
		"a JWK for another": jwkOf(t, rsaKey().Public(), "k", "HS256", ""),
		"far too large":     strings.Repeat("\n", 1<<20+1),
	} {
		t.Run(name, func(t *testing.T) {
			wantOptionError(t, identity.Options{JWT: identity.JWT{KeyFile: fileOf(t, text)}}, "JWT.KeyFile")
		})
	}
	wantOptionError(t, identity.Options{JWT: identity.JWT{KeyFile: t.TempDir() + "/none"}}, "JWT.KeyFile")
}

func TestGrantOfAClientFromElsewhere(t *testing.T) {
	if g := identity.GrantOf(new(gateway.Client)); g != nil {
		t.Errorf("granted %+v", g)
	}
}

func TestWhatIsCountedIsShown(t *testing.T) {
	f := start(t, identity.Options{JWT: identity.JWT{Secret: theSecret}}, nil)
	f.wantUser(withToken(hs256(t, nil)), "42")
	f.wantRefused(withToken("bad"), 401, identity.BadToken)
	// A second one of the same would spoil the registry, and must not spoil the page.
	g := &gateway.Gateway{Collectors: []prometheus.Collector{f.Collector(), f.Collector()}, Logger: f.log.logger()}
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.RemoteAddr, r.Host = "127.0.0.1:1", "localhost"
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	for _, line := range []string{
		`molva_identity_admitted_total{by="jwt"} 1`, `molva_identity_admitted_total{by="anonymous"} 0`,
		`molva_identity_refused_total{reason="bad_token"} 1`, `molva_identity_refused_total{reason="expired"} 0`,
		`molva_identity_renewals_refused_total{reason="wrong_user"} 0`, `molva_identity_application_requests_total 0`,
		`molva_connections 0`,
	} {
		if !strings.Contains(w.Body.String(), "\n"+line+"\n") {
			t.Errorf("%s is not in what /metrics says (%d)", line, w.Code)
		}
	}
}
