package hooks_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/molva-ws/molva/gateway/hooks"
)

func hour() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), time.Hour)
}

// numbered returns the names of rooms from one number up to another.
func numbered(from, to int) []string {
	var all []string
	for i := from; i < to; i++ {
		all = append(all, fmt.Sprint("r", i))
	}
	return all
}

func TestDeadForAMinute(t *testing.T) {
	inBubble(t, func(a *application) {
		died := time.Now()
		a.respond = func(int, hooks.Batch) *http.Response {
			if time.Since(died) < time.Minute {
				return answer(http.StatusBadGateway, "")
			}
			return answer(http.StatusOK, "{}")
		}
		h := a.hook(hooks.Options{})
		occupied := h.Observer().Occupied
		const events = 900
		for _, room := range numbered(0, events) {
			occupied(room)
			time.Sleep(100 * time.Millisecond)
		}
		a.shut(h)
		if got := a.rooms(); !slices.Equal(got, numbered(0, events)) {
			t.Errorf("%d events arrived, or not in order", len(got))
		}
		s := a.balanced(h)
		if s.Sent != events || s.Dropped+s.Failed != 0 || s.RequestErrors == 0 || s.Requests != uint64(len(a.requests)) {
			t.Errorf("%+v, of %d requests", s, len(a.requests))
		}
		if s.RequestErrors > 12 {
			t.Errorf("%d requests in a minute to one that is dead", s.RequestErrors)
		}
	})
}

func TestFailuresAreSpacedOut(t *testing.T) {
	inBubble(t, func(a *application) {
		a.respond = func(n int, _ hooks.Batch) *http.Response {
			if n < 8 {
				return answer(http.StatusInternalServerError, "")
			}
			return answer(http.StatusOK, "")
		}
		h := a.hook(hooks.Options{RetryFirst: time.Second, RetryMost: 10 * time.Second})
		h.Observer().Occupied("r")
		synctest.Wait()
		time.Sleep(2 * time.Minute)
		a.shut(h)
		want := []time.Duration{1, 2, 4, 8, 10, 10, 10}
		if len(a.requests) != len(want)+1 {
			t.Fatalf("%d requests", len(a.requests))
		}
		for i, most := range want {
			most *= time.Second
			if got := a.requests[i+1].Sub(a.requests[i]); got < most/2 || got > most {
				t.Errorf("pause %d: %v; want %v to %v", i, got, most/2, most)
			}
		}
	})
}

func TestTheOldestAreDropped(t *testing.T) {
	for _, tt := range []struct {
		name    string
		options hooks.Options
		most    int // events
	}{
		{"by their number", hooks.Options{QueueEvents: 1000}, 1000},
		{"by their bytes", hooks.Options{QueueBytes: 200_000}, 2000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(a *application) {
				alive := a.down()
				h := a.hook(tt.options)
				occupied := h.Observer().Occupied
				const events = 20_000
				for i, room := range numbered(0, events) {
					occupied(room)
					if i%5000 == 0 {
						time.Sleep(time.Second)
					}
					if s := h.Stats(); s.Queued > tt.most || tt.options.QueueBytes > 0 && s.QueuedBytes > tt.options.QueueBytes {
						t.Fatalf("too much waits: %+v", s)
					}
				}
				alive.Store(true)
				time.Sleep(time.Minute)
				a.shut(h)
				s := a.balanced(h)
				if got := a.rooms(); !slices.Equal(got, numbered(events-len(got), events)) || len(got) < tt.most/2 {
					t.Errorf("%d events arrived, or not the last ones in order", len(got))
				}
				if s.Sent != uint64(len(a.taken)) || s.Dropped != events-s.Sent || a.dropped != s.Dropped {
					t.Errorf("%+v, and the application knows of %d", s, a.dropped)
				}
			})
		})
	}
}

// TestWhatIsOnItsWayIsNotDropped fills the queue while a request is on its way: what is in it counts as sent.
func TestWhatIsOnItsWayIsNotDropped(t *testing.T) {
	inBubble(t, func(a *application) {
		arrived, goOn := make(chan int, 100), make(chan bool)
		a.respond = func(_ int, b hooks.Batch) *http.Response {
			arrived <- len(b.Events)
			<-goOn
			return answer(http.StatusOK, "")
		}
		h := a.hook(hooks.Options{QueueEvents: 10, Batch: 4, Timeout: time.Hour})
		occupied := h.Observer().Occupied
		occupied("r0")
		<-arrived
		for _, room := range numbered(1, 100) {
			occupied(room)
		}
		if s := a.balanced(h); s.Queued != 10 || s.Dropped != 90 {
			t.Errorf("%+v", s)
		}
		close(goOn)
		a.shut(h)
		if want := append([]string{"r0"}, numbered(91, 100)...); !slices.Equal(a.rooms(), want) {
			t.Errorf("%v arrived; want %v", a.rooms(), want)
		}
		if a.balanced(h); a.dropped != 90 {
			t.Errorf("the application knows of %d that were dropped", a.dropped)
		}
	})
}

// The server may be started anew, and counts from the beginning then.
func TestNoTwoEventsHaveOneID(t *testing.T) {
	inBubble(t, func(a *application) {
		for range 2 {
			h := a.hook(hooks.Options{})
			for _, room := range numbered(0, 50) {
				h.Observer().Occupied(room)
			}
			if err := h.Shutdown(context.Background()); err != nil {
				a.Error(err)
			}
		}
		ids := make(map[string]bool)
		for _, e := range a.taken {
			ids[e.ID] = true
		}
		if len(ids) != 100 {
			a.Errorf("%d events have %d ids", len(a.taken), len(ids))
		}
	})
}

func TestASlowApplicationGetsBatches(t *testing.T) {
	inBubble(t, func(a *application) {
		var sizes []int
		a.respond = func(_ int, b hooks.Batch) *http.Response {
			sizes = append(sizes, len(b.Events))
			time.Sleep(2 * time.Second)
			return answer(http.StatusOK, "")
		}
		h := a.hook(hooks.Options{Batch: 30})
		occupied := h.Observer().Occupied
		for _, room := range numbered(0, 100) {
			occupied(room)
			time.Sleep(50 * time.Millisecond)
		}
		a.shut(h)
		if got := a.rooms(); !slices.Equal(got, numbered(0, 100)) {
			t.Errorf("%v arrived", got)
		}
		if len(sizes) > 5 || slices.Max(sizes) != 30 {
			t.Errorf("batches of %v", sizes)
		}
	})
}

func TestNoAnswerInTimeIsSentAgain(t *testing.T) {
	inBubble(t, func(a *application) {
		var ids []string
		a.respond = func(n int, b hooks.Batch) *http.Response {
			ids = append(ids, b.Events[0].ID)
			if n < 3 {
				return nil
			}
			return answer(http.StatusOK, "")
		}
		h := a.hook(hooks.Options{Timeout: time.Second})
		h.Observer().Occupied("r")
		a.shut(h)
		if len(ids) != 3 || ids[0] != ids[1] || ids[1] != ids[2] || ids[0] == "" {
			t.Errorf("ids: %v", ids)
		}
		if s := a.balanced(h); s.Sent != 1 || s.RequestErrors != 2 {
			t.Errorf("%+v", s)
		}
	})
}

func TestWhatTheApplicationWillNeverTakeIsGivenUp(t *testing.T) {
	for _, tt := range []struct {
		status int
		tries  int
	}{
		{400, 1}, {413, 1}, {415, 1}, {422, 1},
		{301, 6}, {401, 6}, {403, 6}, {404, 6}, {408, 6}, {429, 6}, {500, 6}, {503, 6},
	} {
		t.Run(fmt.Sprint(tt.status), func(t *testing.T) {
			inBubble(t, func(a *application) {
				a.respond = func(_ int, b hooks.Batch) *http.Response {
					if b.Events[0].Room == "bad" {
						return answer(tt.status, "")
					}
					return answer(http.StatusOK, "")
				}
				h := a.hook(hooks.Options{Batch: 1, RetryFirst: 10 * time.Second, RetryMost: 10 * time.Second, GiveUp: 40 * time.Second})
				h.Observer().Occupied("bad")
				h.Observer().Occupied("good")
				time.Sleep(time.Hour)
				a.shut(h)
				s := a.balanced(h)
				if s.Failed != 1 || s.Sent != 1 || !slices.Equal(a.rooms(), []string{"good"}) || a.dropped != 1 {
					t.Errorf("%+v, %v", s, a.rooms())
				}
				if tries := len(a.requests) - 1; tt.tries == 1 && tries != 1 || tt.tries > 1 && tries < 4 {
					t.Errorf("tried %d times", tries)
				}
			})
		})
	}
}

func TestShutdownSendsWhatWaits(t *testing.T) {
	inBubble(t, func(a *application) {
		a.respond = func(n int, _ hooks.Batch) *http.Response {
			if n == 1 {
				return answer(http.StatusBadGateway, "")
			}
			return answer(http.StatusOK, "")
		}
		h := a.hook(hooks.Options{RetryFirst: 30 * time.Minute, RetryMost: time.Hour, GiveUp: 5 * time.Hour})
		for _, room := range numbered(0, 250) {
			h.Observer().Occupied(room)
		}
		synctest.Wait()
		began := time.Now()
		a.shut(h)
		if took := time.Since(began); took > time.Second || !slices.Equal(a.rooms(), numbered(0, 250)) {
			t.Errorf("took %v, and %d events arrived", took, len(a.rooms()))
		}
		h.Observer().Occupied("late")
		if s := a.balanced(h); s.Dropped != 1 || s.Sent != 250 {
			t.Errorf("%+v", s)
		}
		a.shut(h) // again
	})
}

func TestShutdownSaysWhatWasNotSent(t *testing.T) {
	inBubble(t, func(a *application) {
		a.respond = func(int, hooks.Batch) *http.Response { return nil }
		h := a.hook(hooks.Options{Timeout: time.Second})
		for _, room := range numbered(0, 250) {
			h.Observer().Occupied(room)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		began := time.Now()
		err := h.Shutdown(ctx)
		var unsent *hooks.UnsentError
		if !errors.As(err, &unsent) || unsent.Events != 250 || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Shutdown: %v", err)
		}
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("it took %v", took)
		}
		if s := a.balanced(h); s.Dropped != 250 || s.Queued != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestRoomsAndKindsAreChosen(t *testing.T) {
	inBubble(t, func(a *application) {
		h := a.hook(hooks.Options{Events: []hooks.Kind{hooks.Vacated}, Rooms: []string{"chat.*", "$stats"}})
		o := h.Observer()
		if o.Occupied != nil || o.Connected != nil || o.Published != nil || o.Sent != nil || o.Joined != nil {
			t.Error("it wants to be told what it does not tell")
		}
		for _, room := range []string{"chat.a", "other", "$stats", "chat.b.c", "chat.d"} {
			o.Vacated(room)
		}
		a.shut(h)
		if got := strings.Join(a.rooms(), " "); got != "chat.a $stats chat.d" {
			t.Errorf("told of %s", got)
		}
	})
	inBubble(t, func(a *application) {
		h := a.hook(hooks.Options{})
		h.Observer().Vacated("$stats")
		h.Observer().Vacated("r")
		a.shut(h)
		if got := strings.Join(a.rooms(), " "); got != "r" {
			t.Errorf("told of %s", got)
		}
		if h.Observer().Published != nil {
			t.Error("messages are told although nobody asked for them")
		}
	})
}
