package hooks_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/molva-ws/molva/gateway/hooks"
)

const secret = "a secret of some length"

// application stands in for the application and for the network to it.
type application struct {
	*testing.T
	respond func(n int, b hooks.Batch) *http.Response // to the n-th request; nil: 204

	mu       sync.Mutex
	requests []time.Time
	taken    []hooks.Event // with a good answer
	dropped  uint64        // what it was told
}

// RoundTrip is [http.RoundTripper].
func (a *application) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if err := hooks.Verify(secret, r.Header.Get(hooks.SignatureHeader), body, time.Now(), time.Minute); err != nil {
		a.Errorf("%v: %s", err, r.Header.Get(hooks.SignatureHeader))
	}
	var b hooks.Batch
	if err := json.Unmarshal(body, &b); err != nil || len(b.Events) == 0 {
		a.Errorf("%v: %s", err, body)
	}
	a.mu.Lock()
	a.requests = append(a.requests, time.Now())
	n := len(a.requests)
	a.mu.Unlock()
	response := answer(http.StatusNoContent, "")
	if a.respond != nil {
		if response = a.respond(n, b); response == nil {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}
	}
	if response.StatusCode/100 == 2 {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.taken = append(a.taken, b.Events...)
		a.dropped += b.Dropped
	}
	return response, nil
}

// down has the application take nothing until alive is set.
func (a *application) down() (alive *atomic.Bool) {
	alive = new(atomic.Bool)
	a.respond = func(int, hooks.Batch) *http.Response {
		if !alive.Load() {
			return answer(http.StatusServiceUnavailable, "")
		}
		return answer(http.StatusOK, "")
	}
	return alive
}

func answer(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header), Body: io.NopCloser(strings.NewReader(body)),
	}
}

// hook makes hooks that tell a.
func (a *application) hook(o hooks.Options) *hooks.Hooks {
	a.Helper()
	o.URL, o.Secrets, o.Transport = "http://application.test/events?token=x", []string{secret}, a
	o.Logger = slog.New(slog.DiscardHandler)
	h, err := hooks.New(o)
	if err != nil {
		a.Fatal(err)
	}
	return h
}

// rooms returns the rooms of the events that were taken.
func (a *application) rooms() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []string
	for _, e := range a.taken {
		all = append(all, e.Room)
	}
	return all
}

// shut ends h, within an hour of the bubble.
func (a *application) shut(h *hooks.Hooks) {
	a.Helper()
	ctx, cancel := hour()
	defer cancel()
	if err := h.Shutdown(ctx); err != nil {
		a.Errorf("Shutdown: %v", err)
	}
}

// balanced sees to it that no event is counted twice or not at all.
func (a *application) balanced(h *hooks.Hooks) hooks.Stats {
	a.Helper()
	s := h.Stats()
	if s.Events != s.Sent+s.Failed+s.Dropped+uint64(s.Queued) {
		a.Errorf("the counts do not add up: %+v", s)
	}
	if s.Queued == 0 && s.QueuedBytes != 0 {
		a.Errorf("nothing is queued, but it has %d bytes", s.QueuedBytes)
	}
	return s
}

// inBubble runs a test with a clock of its own.
func inBubble(t *testing.T, test func(a *application)) {
	synctest.Test(t, func(t *testing.T) { test(&application{T: t}) })
}
