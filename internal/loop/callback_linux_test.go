package loop

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// echoUnless echoes, but a message that begins with b only when release is closed.
func echoUnless(blocked *atomic.Int32, release <-chan struct{}) func(Conn) Handler {
	return func(c Conn) Handler {
		return &calls{data: func(p []byte) {
			if p[0] == 'b' {
				blocked.Add(1)
				<-release
			}
			c.Send(Head{}, p, Urgent)
		}}
	}
}

// slowest exchanges messages on nc and returns how long the slowest took.
func slowest(t testing.TB, nc net.Conn, messages int) (worst time.Duration) {
	t.Helper()
	p := []byte("quick")
	for range messages {
		began := time.Now()
		nc.Write(p)
		if _, err := io.ReadFull(nc, p); err != nil {
			t.Fatal(err)
		}
		worst = max(worst, time.Since(began))
	}
	return worst
}

func TestBlockedCallbacksKeepNobodyElseWaiting(t *testing.T) {
	// Alone, the worst is some 5 ms. Tests share the machine, which may be busy, but not every time.
	const most, tries = 500 * time.Millisecond, 5
	for _, n := range []int{1, 1000} {
		worst := blockSome(t, n)
		for range tries - 1 {
			if worst > most {
				worst = min(worst, blockSome(t, n))
			}
		}
		if worst > most {
			t.Errorf("%d blocked: another connection waited for %v", n, worst)
		}
	}
}

// blockSome lets so many callbacks on one loop block, and returns how long another connection waits for an echo at most.
func blockSome(t *testing.T, n int) time.Duration {
	t.Helper()
	var blocked atomic.Int32
	release := make(chan struct{})
	g, address := serve(t, GroupConfig{Loops: 1}, echoUnless(&blocked, release))
	quick := dial(t, address)
	slowest(t, quick, 10)
	clients := make([]net.Conn, n)
	for i := range clients {
		clients[i] = dial(t, address)
	}
	began := time.Now()
	for _, nc := range clients {
		io.WriteString(nc, "block")
	}
	worst := slowest(t, quick, 1000)
	eventually(t, func() bool { return blocked.Load() == int32(n) })
	t.Logf("%d blocked in %v, the slowest of the others took %v; %+v", n, time.Since(began), worst, g.Stats())
	// The blocked ones are not read meanwhile, and nothing is lost.
	for _, nc := range clients {
		io.WriteString(nc, " more")
	}
	slowest(t, quick, 10)
	close(release)
	for _, nc := range clients {
		p := make([]byte, 10)
		if _, err := io.ReadFull(nc, p); err != nil || string(p) != "block more" {
			t.Fatalf("got %q, %v", p, err)
		}
	}
	return worst
}

func TestConnectionThatBlocksOftenStaysOffTheLoop(t *testing.T) {
	takenOver := make(chan struct{})
	block := sync.OnceFunc(func() { <-takenOver })
	g, address := serve(t, GroupConfig{Loops: 1}, func(c Conn) Handler {
		return &calls{data: func(p []byte) {
			block()
			time.Sleep(4 * time.Millisecond)
			c.Send(Head{}, p, Normal)
		}}
	})
	nc := dial(t, address)
	io.WriteString(nc, "quick")
	eventually(t, func() bool { return g.Stats().Handovers > 0 })
	close(takenOver)
	io.ReadFull(nc, make([]byte, 5))
	slowest(t, nc, 20)
	if s := g.Stats(); s.Handovers > 5 || s.Dispatched < 15 {
		t.Errorf("%+v", s)
	}
}

func TestConnectionComesBackToTheLoop(t *testing.T) {
	var blocked atomic.Int32
	takenOver := make(chan struct{})
	g, address := serve(t, GroupConfig{Loops: 1}, echoUnless(&blocked, takenOver))
	nc := dial(t, address)
	io.WriteString(nc, "block")
	eventually(t, func() bool { return g.Stats().Handovers > 0 })
	close(takenOver)
	io.ReadFull(nc, make([]byte, 5))
	eventually(t, func() bool {
		before := g.Stats().Dispatched
		slowest(t, nc, 50)
		return g.Stats().Dispatched == before
	})
}

func TestBlockingAgainKeepsAConnectionOffTheLoopAsLongAsTheFirstTime(t *testing.T) {
	const blocked = 20 * time.Millisecond
	g, address := serve(t, GroupConfig{Loops: 1, Blocked: blocked}, func(c Conn) Handler {
		return &calls{data: func(p []byte) {
			if p[0] == 'b' {
				time.Sleep(3 * blocked)
			}
			c.Send(Head{}, p, Normal)
		}}
	})
	nc := dial(t, address)
	say := func(what string) {
		io.WriteString(nc, what)
		if _, err := io.ReadFull(nc, make([]byte, len(what))); err != nil {
			t.Fatal(err)
		}
	}
	for began := time.Now(); time.Since(began) < 2*(surprise+caution); { // a loop is cautious at its beginning
		say("quick")
	}
	say("block")
	for range slowCalls - 1 {
		say("quick")
	}
	say("block again") // of one more quick call the loop would have taken it back
	before := g.Stats().Dispatched
	for range slowCalls {
		say("quick")
	}
	eventually(t, func() bool { return g.Stats().Dispatched >= before+slowCalls })
}

func TestBlockedHandlerKeepsItsBytes(t *testing.T) {
	proceed := make(chan struct{})
	got := make(chan string, 1)
	_, address := serve(t, GroupConfig{Loops: 1}, func(c Conn) Handler {
		return &calls{data: func(p []byte) {
			if p[0] != 'b' {
				c.Send(Head{}, p, Normal)
				return
			}
			<-proceed
			got <- string(p)
		}}
	})
	other := dial(t, address)
	io.WriteString(dial(t, address), "bytes")
	slowest(t, other, 1000)
	close(proceed)
	if s := receive(t, got, "Data"); s != "bytes" {
		t.Errorf("got %q", s)
	}
}

func TestBlockedHandlerSendsAtOnceAndMayWaitForRoom(t *testing.T) {
	proceed := make(chan struct{})
	done := make(chan error, 1)
	cfg := GroupConfig{Loops: 1, Config: Config{Outbox: 10 << 10}}
	_, nc := pair(t, cfg, func(c Conn) Handler {
		return &calls{data: func(p []byte) {
			c.Send(Head{}, p, Normal)
			<-proceed // what was sent has to leave meanwhile
			body := make([]byte, 8<<10)
			for range 1000 {
				if err := c.WaitRoom(t.Context(), len(body)); err != nil {
					done <- err
					return
				}
				if err := c.Send(Head{}, body, Normal); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}}
	})
	slowest(t, nc, 1)
	close(proceed)
	if _, err := io.CopyN(io.Discard, nc, 1000*8<<10); err != nil {
		t.Fatal(err)
	}
	if err := receive(t, done, "end of Data"); err != nil {
		t.Error(err)
	}
}

func TestEndDuringABlockedCallbackWaitsForIt(t *testing.T) {
	for name, end := range map[string]func(Conn, net.Conn) (reason error){
		"abort":  func(c Conn, _ net.Conn) error { c.Abort(errTest); return errTest },
		"finish": func(c Conn, _ net.Conn) error { c.Finish(errTest, 0); return errTest },
		"peer reset": func(_ Conn, nc net.Conn) error {
			nc.(*net.TCPConn).SetLinger(0)
			nc.Close()
			return syscall.ECONNRESET
		},
	} {
		t.Run(name, func(t *testing.T) {
			entered, proceed := make(chan struct{}), make(chan struct{})
			r := newRecorder(t)
			c, nc := pair(t, GroupConfig{Loops: 1}, func(c Conn) Handler {
				r.calls.data = func([]byte) {
					close(entered)
					<-proceed
					if r.ended.Load() {
						t.Error("Closed overtook Data")
					}
				}
				return r
			})
			io.WriteString(nc, "x")
			receive(t, entered, "Data")
			want := end(c, nc)
			// Whoever waits for room is told at once, not when Data returns.
			for c.WaitRoom(t.Context(), 1) == nil {
				time.Sleep(time.Millisecond)
			}
			if name != "peer reset" {
				if _, err := nc.Read(make([]byte, 1)); err == nil {
					t.Error("the peer was not told")
				}
			}
			select {
			case <-r.closed:
				t.Error("Closed overtook Data")
			case <-time.After(20 * time.Millisecond):
			}
			close(proceed)
			if err := receive(t, r.closed, "Closed"); !errors.Is(err, want) {
				t.Errorf("Closed(%v), want %v", err, want)
			}
		})
	}
}

func TestOpenTimerAndClosedMayBlock(t *testing.T) {
	proceed := make(chan struct{})
	order := make(chan string, 10)
	g := newGroup(t, GroupConfig{Loops: 1})
	block := func(what string) {
		order <- what
		<-proceed
	}
	open := func(c Conn) Handler {
		c.SetTimer(time.Millisecond)
		block("open")
		return &calls{
			data:   func([]byte) { block("data") },
			timer:  func() { block("timer"); c.Abort(nil) },
			closed: func(error) { block("closed") },
		}
	}
	ours, _ := adoptable(t)
	if err := g.Adopt(ours, []byte("x"), open); err != nil {
		t.Fatal(err)
	}
	other, client := adoptable(t)
	g.Adopt(other, nil, echo)
	for _, want := range []string{"open", "data", "timer", "closed"} {
		if got := receive(t, order, want); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
		slowest(t, client, 10)
		proceed <- struct{}{}
	}
	eventually(t, func() bool { return g.Stats().Connections == 1 })
}

func TestTimerThatExpiresDuringACallback(t *testing.T) {
	for name, again := range map[string]time.Duration{"comes after it": -1, "is cancelled by it": 0, "is replaced by it": time.Hour} {
		t.Run(name, func(t *testing.T) {
			returned, timers := make(chan struct{}), make(chan struct{}, 1)
			_, nc := pair(t, GroupConfig{Loops: 1}, func(c Conn) Handler {
				return &calls{
					data: func([]byte) {
						c.SetTimer(time.Millisecond)
						time.Sleep(100 * time.Millisecond)
						if again >= 0 {
							c.SetTimer(again)
						}
						close(returned)
					},
					timer: func() { <-returned; timers <- struct{}{} },
				}
			})
			io.WriteString(nc, "x")
			receive(t, returned, "end of Data")
			if again < 0 {
				receive(t, timers, "timer")
				return
			}
			select {
			case <-timers:
				t.Error("the timer came")
			case <-time.After(60 * time.Millisecond):
			}
		})
	}
}

func TestCloseDoesNotWaitForACallbackThatNeverReturns(t *testing.T) {
	entered, proceed := make(chan struct{}), make(chan struct{})
	r := newRecorder(t)
	g, address := serve(t, GroupConfig{Loops: 1}, func(Conn) Handler {
		r.calls.data = func([]byte) {
			close(entered)
			<-proceed
		}
		return r
	})
	nc := dial(t, address)
	io.WriteString(nc, "x")
	receive(t, entered, "Data")
	g.Close()
	if _, err := nc.Read(make([]byte, 1)); err == nil {
		t.Error("the connection survived")
	}
	close(proceed)
	if err := receive(t, r.closed, "Closed"); err != ErrShutdown {
		t.Errorf("Closed(%v)", err)
	}
	eventually(t, func() bool { return g.Stats().Connections == 0 })
}

func TestCloseMayBeCalledByACallback(t *testing.T) {
	closed := make(chan error, 1)
	var g *Group
	ready := make(chan struct{})
	g, address := serve(t, GroupConfig{Loops: 2}, func(Conn) Handler {
		return &calls{
			data:   func([]byte) { <-ready; g.Close() },
			closed: func(err error) { closed <- err },
		}
	})
	close(ready)
	io.WriteString(dial(t, address), "x")
	if err := receive(t, closed, "Closed"); err != ErrShutdown {
		t.Errorf("Closed(%v)", err)
	}
}
