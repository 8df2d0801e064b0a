package hooks_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway/hooks"
)

// joins has a client join a room of those about which the application is asked, and returns the answer.
func (s *site) joins(c *molva.Conn, room string, ack int) string {
	s.Helper()
	if err := c.Send(molva.Text(fmt.Sprintf(`{"type":"join","room":"shop.%s","ack":%d}`, room, ack))); err != nil {
		s.Fatal(err)
	}
	for {
		if got := s.until(c, `{"type":`); strings.Contains(got, fmt.Sprintf(`"ack":%d`, ack)) {
			return got
		}
	}
}

func TestAnswersAboutJoiningAreRemembered(t *testing.T) {
	var asked atomic.Int64
	s := newSite(t, hooks.Options{AskCache: time.Hour}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ask" {
			asked.Add(1)
			io.WriteString(w, `{"join":false,"message":"members only"}`)
		}
	})
	first, second, other := s.connect("a"), s.connect("a"), s.connect("b")
	for i, step := range []struct {
		by   *molva.Conn
		room string
		want int64 // questions that were asked by then
	}{{first, "x", 1}, {first, "x", 1}, {second, "x", 1}, {other, "x", 2}, {first, "y", 3}} {
		if got := s.joins(step.by, step.room, i+1); !strings.Contains(got, "members only") || asked.Load() != step.want {
			t.Errorf("step %d: %s after %d questions, want %d", i, got, asked.Load(), step.want)
		}
	}
	one, two := s.connect(""), s.connect("")
	s.joins(one, "x", 1)
	s.joins(two, "x", 1)
	if st := s.hooks.Stats(); st.Asked != 5 || st.AskRefused != 5 || st.AskCached != 2 {
		t.Errorf("clients without a name have an answer in common: %+v", st)
	}
}

func TestAMessageToWhoMayNotJoinHasItsLength(t *testing.T) {
	const most = 500
	for length, told := range map[int]bool{most: true, most + 1: false} {
		message := strings.Repeat("m", length)
		s := newSite(t, hooks.Options{}, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/ask" {
				fmt.Fprintf(w, `{"join":false,"message":%q}`, message)
			}
		})
		if got := s.joins(s.connect("a"), "x", 1); strings.Contains(got, message) != told {
			t.Errorf("a message of %d bytes: %s", length, got)
		}
	}
}

func TestAnApplicationThatDoesNotAnswerIsLeftInPeace(t *testing.T) {
	for _, status := range []int{http.StatusInternalServerError, http.StatusTooManyRequests, http.StatusRequestTimeout} {
		s := newSite(t, hooks.Options{AskFailures: 2, AskPause: time.Hour}, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/ask" {
				w.WriteHeader(status)
			}
		})
		a := s.connect("a")
		for i := range 5 {
			if got := s.joins(a, fmt.Sprint(i), i+1); !strings.Contains(got, `"busy"`) {
				t.Errorf("status %d: %s", status, got)
			}
		}
		if st := s.hooks.Stats(); st.Asked != 2 || st.AskErrors != 2 || st.AskSpared != 3 {
			t.Errorf("status %d: %+v", status, st)
		}
	}
}
