package identity

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/internal/inquiry"
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
	age     time.Duration // for which an answer is remembered
	desk    *inquiry.Desk[*verdict]
	client  *http.Client
	log     *quietlog.Log
	counts  *counts
}

// verdict is what the application says: who it is, or that it may not come in, or neither if it does not know.
type verdict struct {
	grant  *Grant
	denied bool
}

func (c *Chain) newApplication(o *Application, a *Anonymous, names gateway.Limits) (*application, error) {
	app := &application{
		timeout:   orDefault(o.Timeout, 2*time.Second),
		maxAnswer: orDefault(o.MaxAnswer, 16<<10),
		pause:     orDefault(o.Pause, 10*time.Second),
		method:    cmp.Or(o.Method, http.MethodGet),
		names:     names,
		age:       max(0, orDefault(o.Cache, 5*time.Second)),
		log:       &c.faults,
		counts:    &c.counts,
	}
	atOnce := max(1, orDefault(o.AtOnce, 32))
	app.client = newHTTPClient(c.transport, atOnce)
	app.desk = app.newDesk(o, atOnce)
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

// newDesk makes where the application is asked.
func (a *application) newDesk(o *Application, atOnce int) *inquiry.Desk[*verdict] {
	return inquiry.NewDesk[*verdict](inquiry.Options{
		AtOnce:    atOnce,
		Wait:      a.timeout,
		CacheSize: max(1, orDefault(o.CacheSize, 4096)),
		Failures:  max(1, orDefault(o.Failures, 5)),
		Pause:     a.pause,
		OnPause: func(begins bool) {
			if begins {
				a.log.Say(slog.LevelWarn, "the application is left in peace", "url", a.shown(), "for", a.pause)
			} else {
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
	v, fresh, err := a.desk.Ask(context.Background(), string(key[:]), func() (inquiry.Answer[*verdict], error) {
		v, err := a.ask(what)
		if err != nil {
			return inquiry.Answer[*verdict]{}, err
		}
		return inquiry.Answer[*verdict]{Value: v, Age: a.ageOf(v)}, nil
	})
	switch {
	case errors.Is(err, inquiry.ErrPaused):
		a.counts.spared.Add(1)
	case err == nil && !fresh:
		a.counts.cached.Add(1)
	}
	return v, err
}

// unknownFor is how long it is remembered at most that the application does not know somebody, who may log in now.
const unknownFor = time.Second

// ageOf returns how long an answer is good for.
func (a *application) ageOf(v *verdict) time.Duration {
	switch {
	case v.grant == nil:
		return min(a.age, unknownFor)
	case v.grant.Expires.IsZero():
		return a.age
	}
	return min(a.age, time.Until(v.grant.Expires))
}

// why says why there is no answer.
func (a *application) why(err error) *refused {
	var nonsense *inquiry.NonsenseError
	switch {
	case errors.As(err, &nonsense):
		return &refused{reason: AppNonsense}
	case errors.Is(err, inquiry.ErrBusy):
		return &refused{reason: AppBusy, retry: a.timeout}
	}
	return &refused{reason: AppDown, retry: a.pause}
}

// failed decides on a client about whom the application could not be asked.
func (a *application) failed(err error) (*Grant, error) {
	no := a.why(err)
	if no.reason == AppNonsense {
		return nil, no
	}
	if a.fallback != nil {
		a.counts.admittedUnasked.Add(1)
		return a.fallback.grant(), nil
	}
	return nil, no
}

func (a *application) close() { a.client.CloseIdleConnections() }
