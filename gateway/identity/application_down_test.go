package identity_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/molva-ws/molva/gateway/identity"
)

func TestAnApplicationThatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, fault := range map[string]site{
			"refuses":    func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") },
			"500":        always(500, `{"user":"42"}`),
			"503":        always(503, ""),
			"429":        always(429, ""),
			"breaks off": func(*http.Request) (*http.Response, error) { return brokenAnswer(), nil },
		} {
			up := false
			f := start(t, asking(nil), func(r *http.Request) (*http.Response, error) {
				if up {
					return answer(200, `{"user":"42"}`), nil
				}
				return fault(r)
			})
			for i := range 8 {
				refusal := f.wantRefused(session(fmt.Sprint(i)), http.StatusServiceUnavailable, identity.AppDown)
				if after := refusal.Header.Get("Retry-After"); after != "10" {
					t.Errorf("%s: Retry-After is %q; want 10", name, after)
				}
			}
			if n := f.Stats().Application; n.Requests != 5 || n.Failures != 5 || n.Spared != 3 {
				t.Errorf("%s: counted are %+v; want 5 requests that failed and 3 spared", name, n)
			}
			up = true
			f.wantRefused(session("1"), http.StatusServiceUnavailable, identity.AppDown)
			time.Sleep(10*time.Second + 1)
			f.wantUser(session("1"), "42")
			for _, line := range []string{"gives no answer", "is left in peace", "answers again"} {
				if !strings.Contains(f.log.String(), line) {
					t.Errorf("%s: not logged: %s; but %s", name, line, f.log)
				}
			}
		}
	})
}

// brokenAnswer is one whose body breaks off.
func brokenAnswer() *http.Response {
	a := answer(200, "")
	a.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"user":"42"}`), brokenReader{}))
	return a
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestAnApplicationThatStaysDownIsTriedNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, asking(func(a *identity.Application) { a.Failures, a.Pause = 2, time.Minute }), always(500, ""))
		for i := range 60 {
			f.wantRefused(session(fmt.Sprint(i)), http.StatusServiceUnavailable, identity.AppDown)
			time.Sleep(10 * time.Second)
		}
		if n := f.Stats().Application.Requests; n < 8 || n > 12 {
			t.Errorf("it was asked %d times in ten minutes; want two, and one each minute", n)
		}
	})
}

func TestASlowApplication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, asking(nil), slow)
		began := time.Now()
		f.wantRefused(session("1"), http.StatusServiceUnavailable, identity.AppDown)
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("it took %v; want 2 s", took)
		}
	})
}

// slow is a site that does not answer.
func slow(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, context.Cause(r.Context())
}

func TestClientsComeInWhileTheApplicationIsDown(t *testing.T) {
	o := asking(func(a *identity.Application) { a.OnFailure = "anonymous" })
	o.Anonymous.Prefix = "guest-"
	f := start(t, o, always(500, ""))
	u := session("1")
	if g := grantOf(t, f, u); g.By != identity.ByNobody || !strings.HasPrefix(u.User, "guest-") || g.User != u.User {
		t.Errorf("let in as %q with %+v", u.User, g)
	}
	if s := f.Stats(); s.Application.Admitted != 1 || s.Admitted[identity.ByNobody] != 1 {
		t.Errorf("counted are %+v", s)
	}
}

func TestOnlySoManyAskAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		now, most := 0, 0
		f := start(t, asking(func(a *identity.Application) { a.AtOnce = 3 }), func(*http.Request) (*http.Response, error) {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			defer func() {
				mu.Lock()
				now--
				mu.Unlock()
			}()
			time.Sleep(900 * time.Millisecond)
			return answer(200, `{"user":"42"}`), nil
		})
		var all sync.WaitGroup
		for i := range 12 {
			all.Go(func() { f.Identify(session(fmt.Sprint(i))) })
		}
		all.Wait()
		s := f.Stats()
		if let, busy := s.Admitted[identity.ByApplication], s.Refused[identity.AppBusy]; most != 3 || let != 9 || busy != 3 {
			t.Errorf("at most %d at once, %d let in, %d still waiting; want 3, 9 and 3", most, let, busy)
		}
	})
}

func TestManyPagesOfOneUserAskOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, asking(nil), func(*http.Request) (*http.Response, error) {
			time.Sleep(time.Second)
			return answer(200, `{"user":"42"}`), nil
		})
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { f.wantUser(session("1"), "42") })
		}
		all.Wait()
		if n := f.Stats().Application; n.Requests != 1 || n.Cached != 19 {
			t.Errorf("counted are %+v; want 1 request, 19 cached", n)
		}
	})
}

func TestAnswersAreRememberedForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		said, status := `{"user":"42"}`, 200
		f := start(t, asking(func(a *identity.Application) { a.CacheSize = 2 }), func(*http.Request) (*http.Response, error) {
			return answer(status, said), nil
		})
		wantAsked := func(n uint64) {
			t.Helper()
			if got := f.Stats().Application.Requests; got != n {
				t.Errorf("asked %d times; want %d", got, n)
			}
		}
		f.wantUser(session("1"), "42")
		time.Sleep(5*time.Second - 1)
		f.wantUser(session("1"), "42")
		wantAsked(1)
		time.Sleep(time.Nanosecond)
		f.wantUser(session("1"), "42")
		wantAsked(2)

		f.wantUser(session("2"), "42")
		f.wantUser(session("3"), "42") // there is room for two
		f.wantUser(session("1"), "42")
		wantAsked(5)

		status = 401 // is forgotten sooner
		f.wantRefused(session("4"), 401, identity.Unknown)
		f.wantRefused(session("4"), 401, identity.Unknown)
		wantAsked(6)
		status = 200
		time.Sleep(time.Second)
		f.wantUser(session("4"), "42")

		said = fmt.Sprintf(`{"user":"42","expires":%d}`, time.Now().Add(2*time.Second).UnixMilli())
		f.wantUser(session("5"), "42")
		time.Sleep(2 * time.Second)
		f.wantRefused(session("5"), 502, identity.AppNonsense) // it says the same, which has passed
	})
}

func TestNoAnswersAreRemembered(t *testing.T) {
	f := start(t, asking(func(a *identity.Application) { a.Cache = -1 }), always(200, `{"user":"42"}`))
	f.wantUser(session("1"), "42")
	f.wantUser(session("1"), "42")
	if n := f.Stats().Application.Requests; n != 2 {
		t.Errorf("asked %d times; want 2", n)
	}
}
