package authority

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/acme"
)

// asked is an authority that answers everything in one way, and counts.
type asked struct {
	*httptest.Server
	times atomic.Int32
}

func answering(t *testing.T, status int, body string) *asked {
	t.Helper()
	a := new(asked)
	a.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		a.times.Add(1)
		w.WriteHeader(status)
		w.Write([]byte(body))
	}))
	t.Cleanup(a.Close)
	return a
}

// customer returns what asks it for a certificate for app.example.com.
func (a *asked) customer(t *testing.T, log *slog.Logger) *Authority {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(a.Certificate())
	c, err := New(Options{
		Names: []string{"app.example.com"}, Cache: t.TempDir(), Directory: a.URL, Roots: roots, Logger: log,
		Patience: 10 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.forget)
	return c
}

// forget closes what is open to the authority.
func (a *Authority) forget() {
	for _, o := range a.orders {
		_, heard, _ := o.now()
		heard.next.(*http.Transport).CloseIdleConnections()
	}
}

// lines is a log, entry by entry.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

func (l lines) next(t *testing.T) string {
	t.Helper()
	select {
	case line := <-l:
		return line
	case <-time.After(20 * time.Second):
		t.Fatal("nothing is told")
		return ""
	}
}

func TestARefusalIsTold(t *testing.T) {
	log := make(lines, 10)
	ca := answering(t, http.StatusForbidden, `{"type":"urn:ietf:params:acme:error:unauthorized","detail":"not you"}`)
	a := ca.customer(t, slog.New(slog.NewTextHandler(log, nil)))
	ctx, cancel := context.WithCancel(t.Context())
	kept := make(chan struct{})
	go func() { defer close(kept); a.Keep(ctx) }()
	line := log.next(t)
	for _, want := range []string{"level=WARN", "name=app.example.com", "authority=" + ca.URL, "unauthorized: not you", "again_in=1m0s"} {
		if !strings.Contains(line, want) {
			t.Errorf("%q is not in %s", want, line)
		}
	}
	cancel()
	<-kept
}

func TestClientsAskTheAuthorityNothing(t *testing.T) {
	ca := answering(t, http.StatusForbidden, `{"type":"urn:ietf:params:acme:error:rateLimited","detail":"too many"}`)
	a := ca.customer(t, slog.New(slog.DiscardHandler))
	hello := &tls.ClientHelloInfo{ServerName: "App.Example.com"}
	if _, err := a.certificate(hello); !errors.Is(err, ErrNoCertificate) || ca.times.Load() != 0 {
		t.Errorf("%v; asked %d times", err, ca.times.Load())
	}
	a.orders["app.example.com"].attempt()
	before := ca.times.Load()
	for range 10 {
		if _, err := a.certificate(hello); !errors.Is(err, ErrNoCertificate) || !strings.Contains(err.Error(), "too many") {
			t.Error(err)
		}
	}
	if before == 0 || ca.times.Load() != before {
		t.Errorf("the authority was asked %d times, then %d", before, ca.times.Load())
	}
}

func TestOtherNamesHaveNoCertificate(t *testing.T) {
	a := answering(t, http.StatusOK, "").customer(t, slog.New(slog.DiscardHandler))
	for _, name := range []string{"", "example.com", "www.app.example.com", "127.0.0.1", "..", strings.Repeat("a.", 5000)} {
		for _, protocols := range [][]string{nil, {acme.ALPNProto}} {
			_, err := a.certificate(&tls.ClientHelloInfo{ServerName: name, SupportedProtos: protocols})
			if !errors.Is(err, ErrUnknownName) {
				t.Errorf("%.20q: %v", name, err)
			}
		}
	}
	if _, err := New(Options{Names: []string{"a b"}}); err == nil {
		t.Error("a name that is none is taken")
	}
}

func TestComplaintsAreFoundInWhatAnAuthoritySays(t *testing.T) {
	for body, want := range map[string]string{
		``:                                 "",
		`-----BEGIN CERTIFICATE-----`:      "",
		`{"status":"pending"}`:             "",
		`{"newNonce":"https://localhost"}`: "",
		`{"type":"urn:ietf:params:acme:error:badNonce","detail":"used","status":400}`:                                "",
		`{"type":"urn:ietf:params:acme:error:rateLimited","detail":"too many","status":429}`:                         "rateLimited: too many",
		`{"status":"invalid","error":{"type":"urn:ietf:params:acme:error:caa","detail":"CAA says no"}}`:              "caa: CAA says no",
		`{"status":"invalid","challenges":[{},{"error":{"type":"urn:ietf:params:acme:error:dns","detail":"no A"}}]}`: "dns: no A",
	} {
		got := ""
		if p := complaint([]byte(body)); p != nil {
			got = p.String()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

func TestWhenToAskAgainAndWhenToWorry(t *testing.T) {
	_, silence := net.DialTimeout("tcp", "127.0.0.1:1", time.Second)
	if got := pauseAfter(silence); got != afterSilence {
		t.Errorf("%v after silence", got)
	}
	if got := pauseAfter(&acme.Error{StatusCode: 403}); got != afterRefusal {
		t.Errorf("%v after a refusal", got)
	}
	const day = 24 * time.Hour
	now := time.Now()
	for _, c := range []struct {
		whole, left time.Duration
		overdue     bool
	}{
		{90 * day, 29 * day, false}, {90 * day, 22 * day, true}, {day, 7 * time.Hour, false}, {day, 5 * time.Hour, true},
		{365 * day, 40 * day, false}, {365 * day, 20 * day, true}, {day, -time.Hour, true},
	} {
		leaf := &x509.Certificate{NotBefore: now.Add(c.left - c.whole), NotAfter: now.Add(c.left)}
		if got := overdue(leaf, now); got != c.overdue {
			t.Errorf("%v of %v left: %v", c.left, c.whole, got)
		}
		if next := lookAfter(leaf); next < time.Second || next > 12*time.Hour {
			t.Errorf("looks after %v", next)
		}
	}
	for n, want := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 3: 4 * time.Second, 4: 0, 30: 0} {
		if got := backoff(n, nil, nil); got != want {
			t.Errorf("%d: %v, want %v", n, got, want)
		}
	}
}
