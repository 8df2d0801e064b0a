package loop

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestWheelGivesBackEveryoneInTime(t *testing.T) {
	for name, start := range map[string]tick{"from the beginning": 1, "across the wrap": 1<<32 - 5000} {
		t.Run(name, func(t *testing.T) {
			w := wheel{now: start}
			want := make(map[*sock]tick)
			for now := start; now-start < 60_000; now++ {
				for range rand.IntN(3) {
					c := new(sock)
					want[c] = max(now+1+tick(rand.IntN(6000)), 1)
					w.schedule(c, want[c])
				}
				for c := range want {
					switch rand.IntN(10) {
					case 0:
						w.cancel(c)
						delete(want, c)
					case 1:
						if !now.before(want[c]) {
							break
						}
						earlier := max(now+1+(want[c]-now-1)/2, 1)
						w.schedule(c, earlier)
						want[c] = earlier
					case 2:
						w.schedule(c, want[c]+1) // later: stays
					}
					break
				}
				if rand.IntN(10) == 0 {
					now += tick(rand.IntN(300))
				}
				for c := w.expired(now); c != nil; c = w.expired(now) {
					if now.before(want[c]) || want[c] == 0 {
						t.Fatalf("at %d came one due at %d", now, want[c])
					}
					delete(want, c)
				}
				if next := w.next(); (next == 0) != (len(want) == 0) {
					t.Fatalf("next is %d with %d on the wheel", next, len(want))
				}
				for c, due := range want {
					if !now.before(due) || due.before(w.next()) || c.due != due {
						t.Fatalf("at %d one due at %d is still there; next is %d", now, due, w.next())
					}
				}
				for len(want) > 50 {
					for c := range want {
						w.cancel(c)
						delete(want, c)
						break
					}
				}
			}
		})
	}
}

func TestWheelMayBeChangedWhileItGivesBack(t *testing.T) {
	w := wheel{now: 1}
	first, second, third := new(sock), new(sock), new(sock)
	for _, c := range []*sock{third, second, first} {
		w.schedule(c, 5)
	}
	if w.expired(4) != nil {
		t.Fatal("too early")
	}
	if w.expired(5) != first {
		t.Fatal("first is lost")
	}
	w.cancel(second)
	w.schedule(first, 5) // too late: the next tick
	if w.expired(5) != third {
		t.Fatal("third is lost")
	}
	if c := w.expired(5); c != nil {
		t.Fatal("more than were due")
	}
	if w.expired(6) != first {
		t.Fatal("what was put back is lost")
	}
	if w.next() != 0 {
		t.Fatal("the wheel is not empty")
	}
}

func TestTimersAreLateByATickAtMost(t *testing.T) {
	type result struct{ asked, took time.Duration }
	results := make(chan result, 1)
	c, _ := pair(t, GroupConfig{Loops: 1}, func(c Conn) Handler {
		var began time.Time
		var asked time.Duration
		set := func() {
			asked, began = time.Duration(1+rand.IntN(100))*time.Millisecond, time.Now()
			c.SetTimer(asked)
		}
		set()
		return &calls{timer: func() {
			results <- result{asked, time.Since(began)}
			set()
		}}
	})
	// A machine that is busy makes some late, but not all of the time.
	eventually(t, func() bool {
		worst := time.Duration(0)
		for range 20 {
			r := receive(t, results, "timer")
			if r.took < r.asked {
				t.Errorf("a timer for %v came after %v", r.asked, r.took)
			}
			worst = max(worst, r.took-r.asked)
		}
		t.Logf("late by %v at most", worst)
		return worst <= tickLength+50*time.Millisecond
	})
	if d := c.Idle(); d < 100*time.Millisecond {
		t.Errorf("idle for %v, and nothing ever came", d)
	}
}

func TestTimerIsReplacedAndCancelled(t *testing.T) {
	timers := make(chan time.Time, 10)
	c, _ := pair(t, GroupConfig{Loops: 1}, func(Conn) Handler {
		return &calls{timer: func() { timers <- time.Now() }}
	})
	began := time.Now()
	c.SetTimer(time.Hour)
	c.SetTimer(50 * time.Millisecond)
	if at := receive(t, timers, "timer"); at.Sub(began) < 50*time.Millisecond {
		t.Errorf("after %v", at.Sub(began))
	}
	began = time.Now()
	c.SetTimer(200 * time.Millisecond)
	c.SetTimer(400 * time.Millisecond)
	if at := receive(t, timers, "timer"); at.Sub(began) < 400*time.Millisecond {
		t.Errorf("the timer that was replaced came after %v", at.Sub(began))
	}
	c.SetTimer(200 * time.Millisecond)
	c.SetTimer(0)
	select {
	case <-timers:
		t.Error("a cancelled timer came")
	case <-time.After(300 * time.Millisecond):
	}
}

func TestWhoIsNotOnTheWheelTakesNobodyOffIt(t *testing.T) {
	w := wheel{now: 1}
	waits := new(sock)
	w.schedule(waits, wheelSlots) // in the slot of tick zero, which stands for never
	w.cancel(new(sock))
	if got := w.expired(wheelSlots); got != waits {
		t.Errorf("the wheel gave back %p, want %p", got, waits)
	}
}

// The wheel would keep a connection that has ended in memory until its timer was due.
func TestConnectionTakesItsTimerAlong(t *testing.T) {
	closed := make(chan error, 1)
	c, _ := pair(t, GroupConfig{Loops: 1}, func(Conn) Handler {
		return &calls{closed: func(err error) { closed <- err }}
	})
	next := func(s *sock) tick { return s.loop.wheel.next() }
	c.SetTimer(time.Hour)
	if inLoop(c, next) == 0 {
		t.Fatal("the timer is not on the wheel")
	}
	c.Abort(nil)
	receive(t, closed, "Closed")
	if inLoop(c, next) != 0 {
		t.Error("the wheel still waits for somebody")
	}
}

func BenchmarkWheel(b *testing.B) {
	w := wheel{now: 1}
	socks := make([]sock, 10_000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		c := &socks[i%len(socks)]
		w.cancel(c)
		w.schedule(c, tick(2+i%1500))
	}
}

func TestFurthestTickIsAheadOfAClockThatIsBehind(t *testing.T) {
	for _, now := range []tick{1, 1000, 1 << 31, 1<<32 - 1} {
		due := now.after(1<<63 - 1)
		for _, behind := range []tick{0, 1, 2, 1000} {
			if clock := now - behind; !clock.before(due) {
				t.Errorf("at %d, with a clock that shows %d, the timer is due", now, clock)
			}
		}
	}
}
