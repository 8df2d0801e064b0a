package inquiry

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var errDown = errors.New("it is down")

// desk makes one with numbers that are easy to count with.
func desk(o Options) *Desk[string] {
	o.AtOnce, o.Wait, o.CacheSize, o.Failures, o.Pause = 2, time.Second, 3, 3, 10*time.Second
	return NewDesk[string](o)
}

// answering answers with a text that is good for some time, and counts.
func answering(n *atomic.Int32, text string, age time.Duration) func() (Answer[string], error) {
	return func() (Answer[string], error) {
		n.Add(1)
		return Answer[string]{text, age}, nil
	}
}

func TestAnswersAreRememberedForAsLongAsTheyAreGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, n := desk(Options{}), new(atomic.Int32)
		for i, want := range []int32{1, 1, 1, 2, 2} {
			v, fresh, err := d.Ask(t.Context(), "q", answering(n, "yes", 2500*time.Millisecond))
			if v != "yes" || err != nil || n.Load() != want || fresh != (i == 0 || i == 3) {
				t.Errorf("after %d s: %q, %t, %v; asked %d times, want %d", i, v, fresh, err, n.Load(), want)
			}
			time.Sleep(time.Second)
		}
		for i := range 10 {
			d.Ask(t.Context(), fmt.Sprint(i), answering(n, "yes", time.Hour))
		}
		if l := d.answers.Len(); l != 3 {
			t.Errorf("%d answers are remembered", l)
		}
	})
}

func TestAnswersThatAreGoodForNothingTakeNoPlace(t *testing.T) {
	d, n := desk(Options{}), new(atomic.Int32)
	d.Ask(t.Context(), "q", answering(n, "yes", time.Hour))
	for i := range 10 {
		d.Ask(t.Context(), fmt.Sprint(i), answering(new(atomic.Int32), "no", 0))
	}
	if v, fresh, err := d.Ask(t.Context(), "q", answering(n, "yes", time.Hour)); v != "yes" || fresh || err != nil {
		t.Errorf("%q, %t, %v", v, fresh, err)
	}
}

func TestDeskMayDoWithoutAnythingOptional(t *testing.T) {
	d, n := NewDesk[string](Options{AtOnce: 1, Wait: time.Second, Failures: 1, Pause: time.Hour}), new(atomic.Int32)
	for i := range int32(2) {
		v, fresh, err := d.Ask(t.Context(), "q", answering(n, "yes", time.Hour))
		if v != "yes" || !fresh || err != nil || n.Load() != i+1 {
			t.Errorf("%q, %t, %v; asked %d times", v, fresh, err, n.Load())
		}
	}
	if _, _, err := d.Ask(t.Context(), "q", func() (Answer[string], error) { return Answer[string]{}, errDown }); err != errDown {
		t.Errorf("got %v", err)
	}
	if _, _, err := d.Ask(t.Context(), "q", answering(n, "yes", 0)); err != ErrPaused {
		t.Errorf("in the pause: %v", err)
	}
}

func TestOneQuestionIsTriedAfterThePause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := desk(Options{})
		for range 3 {
			d.Ask(t.Context(), "q", func() (Answer[string], error) { return Answer[string]{}, errDown })
		}
		time.Sleep(10*time.Second + 1)
		tried := make(chan error)
		go func() {
			_, _, err := d.Ask(t.Context(), "first", func() (Answer[string], error) {
				time.Sleep(time.Minute)
				return Answer[string]{}, nil
			})
			tried <- err
		}()
		synctest.Wait()
		if _, _, err := d.Ask(t.Context(), "second", answering(new(atomic.Int32), "yes", 0)); err != ErrPaused {
			t.Errorf("meanwhile: %v", err)
		}
		if err := <-tried; err != nil {
			t.Errorf("the one that was tried: %v", err)
		}
	})
}

func TestTheSameQuestionIsAskedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, n, fresh := desk(Options{}), new(atomic.Int32), new(atomic.Int32)
		var asking sync.WaitGroup
		for range 10 {
			asking.Go(func() {
				v, mine, err := d.Ask(t.Context(), "q", func() (Answer[string], error) {
					time.Sleep(time.Second)
					return answering(n, "yes", 0)()
				})
				if v != "yes" || err != nil {
					t.Errorf("%q, %v", v, err)
				}
				if mine {
					fresh.Add(1)
				}
			})
		}
		asking.Wait()
		if n.Load() != 1 || fresh.Load() != 1 {
			t.Errorf("asked %d times, by %d", n.Load(), fresh.Load())
		}
	})
}

func TestWhoDoesNotAnswerIsLeftInPeace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pauses []bool
		odd := errors.New("it answers oddly")
		nonsense := error(&NonsenseError{Text: "it answers nonsense"})
		d := desk(Options{
			IsFailure: func(err error) bool { return err != odd },
			OnPause:   func(begins bool) { pauses = append(pauses, begins) },
		})
		failing := func(err error) func() (Answer[string], error) {
			return func() (Answer[string], error) { return Answer[string]{}, err }
		}
		for i, step := range []struct {
			with error // nil: an answer
			want error
		}{
			{odd, odd}, {errDown, errDown}, {errDown, errDown}, {odd, odd}, // which begins the count anew
			{errDown, errDown}, {errDown, errDown}, {nonsense, nonsense}, // likewise
			{errDown, errDown}, {errDown, errDown}, {errDown, errDown}, {nil, ErrPaused}, {nil, ErrPaused},
		} {
			if _, _, err := d.Ask(t.Context(), fmt.Sprint(i), failing(step.with)); err != step.want {
				t.Errorf("question %d: %v; want %v", i, err, step.want)
			}
		}
		time.Sleep(10*time.Second + 1)
		for range 2 {
			if v, _, err := d.Ask(t.Context(), "q", answering(new(atomic.Int32), "yes", 0)); v != "yes" || err != nil {
				t.Errorf("after the pause: %q, %v", v, err)
			}
		}
		if len(pauses) != 2 || !pauses[0] || pauses[1] {
			t.Errorf("told of the pauses %v", pauses)
		}
	})
}

func TestNotTooManyAreAskedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := desk(Options{})
		var asking sync.WaitGroup
		var busy, at, most atomic.Int32
		for i := range 6 {
			asking.Go(func() {
				_, _, err := d.Ask(t.Context(), fmt.Sprint(i), func() (Answer[string], error) {
					most.Store(max(most.Load(), at.Add(1)))
					defer at.Add(-1)
					time.Sleep(700 * time.Millisecond)
					return Answer[string]{}, nil
				})
				if errors.Is(err, ErrBusy) {
					busy.Add(1)
				}
			})
		}
		asking.Wait()
		if most.Load() != 2 || busy.Load() != 2 {
			t.Errorf("%d at once, %d were not asked", most.Load(), busy.Load())
		}
	})
}

func TestWhoHasNoTimeDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := desk(Options{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		_, _, err := d.Ask(ctx, "q", func() (Answer[string], error) {
			time.Sleep(time.Minute)
			return Answer[string]{}, nil
		})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		time.Sleep(time.Minute) // until the question has ended by itself
		synctest.Wait()
	})
}
