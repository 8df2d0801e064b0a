package hooks_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/molva-ws/molva/gateway/hooks"
)

// options are those of hooks that tell a.
func (a *application) options() hooks.Options {
	return hooks.Options{URL: "http://application.test/", Secrets: []string{secret}, Transport: a}
}

// moveTo has h tell another application.
func (a *application) moveTo(h *hooks.Hooks, o hooks.Options) {
	a.Helper()
	if err := h.Reload(o); err != nil {
		a.Fatal(err)
	}
}

func TestWhatWaitsGoesToTheNewAddressInOrder(t *testing.T) {
	inBubble(t, func(a *application) {
		a.respond = func(int, hooks.Batch) *http.Response { return answer(http.StatusServiceUnavailable, "") }
		h := a.hook(hooks.Options{RetryFirst: time.Minute, RetryMost: time.Hour})
		occupied := h.Observer().Occupied
		for _, room := range numbered(0, 500) {
			occupied(room)
		}
		synctest.Wait() // until it pauses after a failure
		b, began := &application{T: t}, time.Now()
		a.moveTo(h, b.options())
		for _, room := range numbered(500, 600) {
			occupied(room)
		}
		synctest.Wait()
		if got := b.rooms(); !slices.Equal(got, numbered(0, 600)) || time.Since(began) > 0 {
			t.Errorf("%d events arrived after %v, or not in order", len(got), time.Since(began))
		}
		a.shut(h)
		if s := a.balanced(h); s.Sent != 600 || len(a.taken) != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestWhatWaitsGoesToTheOldAddressIfThereIsNone(t *testing.T) {
	inBubble(t, func(a *application) {
		alive := a.down()
		h := a.hook(hooks.Options{})
		for _, room := range numbered(0, 150) {
			h.Observer().Occupied(room)
		}
		synctest.Wait()
		o := a.options()
		o.URL, o.AskURL = "", "http://application.test/ask"
		a.moveTo(h, o)
		if h.Observer().Occupied != nil {
			t.Error("something is to be told nowhere")
		}
		alive.Store(true)
		time.Sleep(time.Minute)
		if got := a.rooms(); !slices.Equal(got, numbered(0, 150)) {
			t.Errorf("%d events arrived, or not in order", len(got))
		}
		a.shut(h)
	})
}

func TestASmallerQueueDropsTheOldest(t *testing.T) {
	inBubble(t, func(a *application) {
		release := make(chan struct{})
		a.respond = func(int, hooks.Batch) *http.Response {
			<-release
			return answer(http.StatusOK, "")
		}
		h := a.hook(hooks.Options{Batch: 10})
		occupied := h.Observer().Occupied
		for _, room := range numbered(0, 10) {
			occupied(room)
		}
		synctest.Wait() // some of them are on their way
		for _, room := range numbered(10, 100) {
			occupied(room)
		}
		o := a.options()
		o.QueueEvents = 20
		a.moveTo(h, o)
		if s := a.balanced(h); s.Queued != 20 || s.Dropped != 80 {
			t.Errorf("%+v", s)
		}
		close(release)
		a.shut(h)
		if got := a.rooms(); !slices.Equal(got[len(got)-10:], numbered(90, 100)) || a.dropped != 80 {
			t.Errorf("%q arrived, and it was told that %d were lost", got, a.dropped)
		}
	})
}

func TestWrongOptionsChangeNothing(t *testing.T) {
	inBubble(t, func(a *application) {
		h := a.hook(hooks.Options{})
		o := (&application{T: t}).options()
		o.Secrets = nil
		var wrong *hooks.OptionError
		if err := h.Reload(o); !errors.As(err, &wrong) || wrong.Field != "Secrets" {
			t.Errorf("%v", err)
		}
		h.Observer().Occupied("r")
		a.shut(h)
		if got := a.rooms(); len(got) != 1 {
			t.Errorf("%q arrived", got)
		}
	})
}
