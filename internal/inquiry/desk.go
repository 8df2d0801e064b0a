// Package inquiry asks somebody, such as the application, what many clients may want to know at the same moment: the
// same question is asked once, an answer is remembered for a while, not too many are asked at once, and who fails to
// answer again and again is left in peace for a time.
package inquiry

import (
	"context"
	"errors"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/sony/gobreaker/v2"
	"golang.org/x/sync/singleflight"
)

// The errors of a question that was not asked. They say nothing about what the answer would have been.
var (
	// ErrPaused says that nothing is asked for a while, as no answer came before.
	ErrPaused = errors.New("it is left in peace, having failed before")
	// ErrBusy says that too many other questions were waiting.
	ErrBusy = errors.New("too many others wait for it")
)

// NonsenseError is the error of a question that got an answer which makes no sense. Whoever gave it is up, but has a bug.
type NonsenseError struct {
	Text string // what is wrong with the answer
}

// Error returns the text.
func (e *NonsenseError) Error() string { return e.Text }

// isNonsense reports whether an error is one of those.
func isNonsense(err error) bool {
	var nonsense *NonsenseError
	return errors.As(err, &nonsense)
}

// Options say how a [Desk] asks. Numbers have to be positive, but for CacheSize.
type Options struct {
	AtOnce    int           // questions that may be on their way
	Wait      time.Duration // how long one may wait for its turn
	CacheSize int           // answers that are remembered; 0 for none
	Failures  int           // after how many in a row nothing is asked
	Pause     time.Duration // for how long; then one question is tried

	// IsFailure reports whether an error says that nobody answers. Nil: all do. It is not asked about a [*NonsenseError],
	// which never does: strangers could cause one, and have everybody else not asked about.
	IsFailure func(error) bool
	// OnPause is called when a pause begins, and when it has ended with an answer. It may be nil.
	OnPause func(begins bool)
}

// Desk is where questions are asked. Make one with [NewDesk]. Its methods may be called from any goroutine.
type Desk[A any] struct {
	wait    time.Duration
	turns   chan struct{} // has something in it for each question on its way
	answers *lru.Cache[string, remembered[A]]
	flights singleflight.Group
	breaker *gobreaker.CircuitBreaker[Answer[A]]
}

// Answer is an answer and how long it is good for.
type Answer[A any] struct {
	Value A
	Age   time.Duration // 0 for not at all
}

type remembered[A any] struct {
	value A
	until time.Time
}

// NewDesk makes a desk.
func NewDesk[A any](o Options) *Desk[A] {
	d := &Desk[A]{wait: o.Wait, turns: make(chan struct{}, o.AtOnce)}
	if o.CacheSize > 0 {
		d.answers, _ = lru.New[string, remembered[A]](o.CacheSize) // the error is about sizes below 1
	}
	settings := gobreaker.Settings{
		Timeout:     o.Pause,
		ReadyToTrip: func(n gobreaker.Counts) bool { return n.ConsecutiveFailures >= uint32(o.Failures) },
		IsSuccessful: func(err error) bool {
			return err == nil || isNonsense(err) || o.IsFailure != nil && !o.IsFailure(err)
		},
		OnStateChange: func(_ string, _, to gobreaker.State) {
			if o.OnPause != nil && to != gobreaker.StateHalfOpen {
				o.OnPause(to == gobreaker.StateOpen)
			}
		},
	}
	d.breaker = gobreaker.NewCircuitBreaker[Answer[A]](settings)
	return d
}

// Ask returns the answer to the question of a key, which ask asks unless the answer is known or somebody else is just
// asking; fresh reports that it did. The error is that of ask, or ErrPaused, or ErrBusy, or the context's: ask goes on
// then for those who wait with it, and has to end by itself.
func (d *Desk[A]) Ask(ctx context.Context, key string, ask func() (Answer[A], error)) (value A, fresh bool, err error) {
	if known, ok := d.recall(key); ok {
		return known, false, nil
	}
	mine := false // belongs to the flight until its result has come
	flight := d.flights.DoChan(key, func() (any, error) {
		mine = true
		a, err := d.await(ask)
		if err == nil {
			d.remember(key, a)
		}
		return a.Value, err
	})
	select {
	case result := <-flight:
		value, _ = result.Val.(A)
		return value, mine, result.Err
	case <-ctx.Done():
		return value, false, ctx.Err()
	}
}

// await waits for its turn and then for the answer: what the line costs is not put down to the one who is asked.
func (d *Desk[A]) await(ask func() (Answer[A], error)) (a Answer[A], err error) {
	timer := time.NewTimer(d.wait)
	defer timer.Stop()
	select {
	case d.turns <- struct{}{}:
		defer func() { <-d.turns }()
	case <-timer.C:
		return a, ErrBusy
	}
	a, err = d.breaker.Execute(ask)
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		return a, ErrPaused
	}
	return a, err
}

// recall returns an answer that is still good.
func (d *Desk[A]) recall(key string) (value A, ok bool) {
	if d.answers == nil {
		return value, false
	}
	r, ok := d.answers.Get(key)
	return r.value, ok && time.Now().Before(r.until)
}

func (d *Desk[A]) remember(key string, a Answer[A]) {
	if d.answers != nil && a.Age > 0 {
		d.answers.Add(key, remembered[A]{a.Value, time.Now().Add(a.Age)})
	}
}
