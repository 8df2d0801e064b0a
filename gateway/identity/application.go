package identity

import (
	"cmp"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/sony/gobreaker/v2"
	"golang.org/x/sync/singleflight"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/internal/quietlog"
)

// application asks the application who a client is.
type application struct {
	url       *url.URL
	method    string
	timeout   time.Duration
	maxAnswer int
	pause     time.Duration
	names     gateway.Limits
	fallback  *guests // lets clients in while the application is down; nil if it refuses them

	forward forward
	cache   *answerCache
	flights singleflight.Group
	turns   chan struct{} // has room for each request that may be on its way
	breaker *gobreaker.CircuitBreaker[*verdict]
	client  *http.Client
	log     *quietlog.Log
	counts  *counts
}

// verdict is what the application says: who it is, or that it may not come in, or neither if it does not know.
type verdict struct {
	grant  *Grant
	denied bool
}

// The ways in which asking fails. A gate that is shut or busy says nothing about the application.
var (
	errPaused = errors.New("it is left in peace, having failed before")
	errBusy   = errors.New("too many others wait for it")
)

// nonsenseError is an answer that makes no sense. The application is up, but has a bug.
type nonsenseError struct{ text string }

// Error says what is wrong with the answer.
func (e *nonsenseError) Error() string { return e.text }

func (c *Chain) newApplication(o *Application, a *Anonymous, names gateway.Limits) (*application, error) {
	app := &application{
		timeout:   orDefault(o.Timeout, 2*time.Second),
		maxAnswer: orDefault(o.MaxAnswer, 16<<10),
		pause:     orDefault(o.Pause, 10*time.Second),
		method:    cmp.Or(o.Method, http.MethodGet),
		names:     names,
		cache:     newAnswerCache(orDefault(o.Cache, 5*time.Second), orDefault(o.CacheSize, 4096)),
		turns:     make(chan struct{}, max(1, orDefault(o.AtOnce, 32))),
		log:       &c.faults,
		counts:    &c.counts,
	}
	app.client = newHTTPClient(c.transport, cap(app.turns))
	app.breaker = app.newBreaker(max(1, orDefault(o.Failures, 5)))
	var errs [4]error
	var err error
	if app.url, err = parseURL(o.URL); err != nil {
		errs[0] = &OptionError{Option: "Application.URL", Reason: err.Error()}
	}
	if !slices.Contains([]string{http.MethodGet, http.MethodPost}, app.method) {
		errs[1] = &OptionError{Option: "Application.Method", Reason: "it has to be GET or POST"}
	}
	app.forward, errs[2] = newForward(o)
	app.fallback, errs[3] = newFallback(o.OnFailure, a, names)
	return app, errors.Join(errs[:]...)
}

// newFallback reads Application.OnFailure.
func newFallback(onFailure string, a *Anonymous, names gateway.Limits) (*guests, error) {
	switch onFailure {
	case "", "refuse":
		return nil, nil
	case "anonymous":
		return newGuests(a, names)
	}
	return nil, &OptionError{Option: "Application.OnFailure", Reason: "it has to be refuse or anonymous"}
}

// newBreaker counts failures in a row. Nonsense is none: strangers could cause it, and shut everybody out.
func (a *application) newBreaker(failures int) *gobreaker.CircuitBreaker[*verdict] {
	return gobreaker.NewCircuitBreaker[*verdict](gobreaker.Settings{
		Timeout:     a.pause,
		ReadyToTrip: func(n gobreaker.Counts) bool { return n.ConsecutiveFailures >= uint32(failures) },
		IsSuccessful: func(err error) bool {
			var nonsense *nonsenseError
			return err == nil || errors.As(err, &nonsense)
		},
		OnStateChange: func(_ string, _, to gobreaker.State) {
			switch to {
			case gobreaker.StateOpen:
				a.log.Say(slog.LevelWarn, "the application is left in peace", "url", a.shown(), "for", a.pause)
			case gobreaker.StateClosed:
				a.log.Say(slog.LevelInfo, "the application answers again", "url", a.shown())
			}
		},
	})
}

func (a *application) shown() string { return shownURL(a.url.String()) }

// identify asks, unless somebody has just asked the same.
func (a *application) identify(u *molva.Upgrade) (*Grant, error) {
	what := a.forward.of(u)
	v, err := a.verdict(what)
	if err != nil {
		return a.failed(err)
	}
	if v.denied {
		return nil, &refused{reason: Denied}
	}
	return v.grant, nil
}

// verdict returns what the application says, or said a moment ago.
func (a *application) verdict(what *forwarded) (*verdict, error) {
	key := what.hash()
	if v := a.cache.get(key); v != nil {
		a.counts.cached.Add(1)
		return v, nil
	}
	mine := false
	v, err, _ := a.flights.Do(string(key[:]), func() (any, error) {
		mine = true
		v, err := a.await(what)
		if err == nil {
			a.cache.put(key, v)
		}
		return v, err
	})
	if err != nil {
		return nil, err
	}
	if !mine {
		a.counts.cached.Add(1)
	}
	return v.(*verdict), nil
}

// await waits for its turn and then, as long again at most, for the answer: what the line costs is not put down to the
// application.
func (a *application) await(what *forwarded) (*verdict, error) {
	if !a.takeTurn() {
		return nil, errBusy
	}
	defer func() { <-a.turns }()
	v, err := a.breaker.Execute(func() (*verdict, error) { return a.ask(what) })
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		a.counts.spared.Add(1)
		return nil, errPaused
	}
	return v, err
}

// takeTurn waits until one more may ask, and reports whether that came to be in time.
func (a *application) takeTurn() bool {
	timer := time.NewTimer(a.timeout)
	defer timer.Stop()
	select {
	case a.turns <- struct{}{}:
		return true
	case <-timer.C:
		return false
	}
}

// failed decides on a client about whom the application could not be asked.
func (a *application) failed(err error) (*Grant, error) {
	no := &refused{reason: AppDown, retry: a.pause}
	var nonsense *nonsenseError
	switch {
	case errors.As(err, &nonsense):
		return nil, &refused{reason: AppNonsense}
	case errors.Is(err, errBusy):
		no = &refused{reason: AppBusy, retry: a.timeout}
	}
	if a.fallback != nil {
		a.counts.admittedUnasked.Add(1)
		return a.fallback.grant(), nil
	}
	return nil, no
}

func (a *application) close() { a.client.CloseIdleConnections() }
