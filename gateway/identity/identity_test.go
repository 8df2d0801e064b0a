package identity_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway/identity"
)

// site stands in for the network.
type site func(*http.Request) (*http.Response, error)

func (s site) RoundTrip(r *http.Request) (*http.Response, error) { return s(r) }

// answer is one of a site.
func answer(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: make(http.Header), Body: io.NopCloser(strings.NewReader(body)), ContentLength: -1,
	}
}

// always answers everything with the same.
func always(status int, body string) site {
	return func(*http.Request) (*http.Response, error) { return answer(status, body), nil }
}

// journal is a log that a test reads.
type journal struct {
	mu  sync.Mutex
	out bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.out.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.out.String()
}

func (j *journal) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// fixture is a chain with what it logs.
type fixture struct {
	testing.TB
	*identity.Chain
	log *journal
}

// start makes a chain over a site, which may be nil if nobody is asked.
func start(t testing.TB, o identity.Options, s site) *fixture {
	t.Helper()
	f := &fixture{TB: t, log: new(journal)}
	o.Logger = f.log.logger()
	if s == nil {
		s = func(r *http.Request) (*http.Response, error) {
			t.Errorf("%s is asked", r.URL)
			return nil, errors.New("nobody is there")
		}
	}
	var err error
	if f.Chain, err = identity.NewOver(o, s); err != nil {
		t.Fatal(err)
	}
	return f
}

// upgrade is a request for a WebSocket. Each change is a field of the header with its value.
func upgrade(target string, changes ...string) *molva.Upgrade {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i < len(changes); i += 2 {
		r.Header.Add(changes[i], changes[i+1])
	}
	return &molva.Upgrade{Request: r, ClientAddr: netip.MustParseAddr("192.0.2.7")}
}

// wantUser has to be let in.
func (f *fixture) wantUser(u *molva.Upgrade, user string) {
	f.Helper()
	if err := f.Identify(u); err != nil {
		f.Errorf("refused: %v; want the user %q", err, user)
	} else if u.User != user {
		f.Errorf("the user is %q; want %q", u.User, user)
	}
}

// wantRefused has to be refused for a reason.
func (f *fixture) wantRefused(u *molva.Upgrade, status int, reason identity.Reason) *molva.Refusal {
	f.Helper()
	before := f.Stats().Refused
	err := f.Identify(u)
	var refusal *molva.Refusal
	if !errors.As(err, &refusal) {
		f.Errorf("let in as %q (%v); want %s", u.User, err, reason)
		return nil
	}
	for r, n := range f.Stats().Refused {
		if n != before[r] && r != reason {
			f.Errorf("refused as %s; want %s", r, reason)
		}
	}
	if refusal.Status != status {
		f.Errorf("refused with %d; want %d", refusal.Status, status)
	}
	if u.User != "" || u.Value != nil {
		f.Errorf("refused, but named %q with %v", u.User, u.Value)
	}
	return refusal
}
