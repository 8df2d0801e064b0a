package loop

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// recorder wants Closed exactly once, and last.
type recorder struct {
	calls
	t      testing.TB
	ended  atomic.Bool
	closed chan error
}

func newRecorder(t testing.TB) *recorder { return &recorder{t: t, closed: make(chan error, 2)} }

func (r *recorder) Data(p []byte) {
	if r.ended.Load() {
		r.t.Error("Data after Closed")
	}
	r.calls.Data(p)
}

func (r *recorder) Timer() {
	if r.ended.Load() {
		r.t.Error("Timer after Closed")
	}
	r.calls.Timer()
}

func (r *recorder) Closed(err error) {
	if r.ended.Swap(true) {
		r.t.Error("Closed came twice")
	}
	r.closed <- err
}

var errTest = errors.New("test")

func TestEveryEndIsClosedOnce(t *testing.T) {
	finish := func(c Conn) { c.Finish(errTest, time.Second) }
	cases := []struct {
		name   string
		inside func(c Conn) // called by Data
		after  func(c Conn, nc net.Conn)
		want   error
	}{
		{"abort inside", func(c Conn) { c.Abort(errTest) }, nil, errTest},
		{"abort outside", nil, func(c Conn, _ net.Conn) { c.Abort(errTest) }, errTest},
		{"finish inside", finish, nil, errTest},
		{"finish outside", nil, func(c Conn, _ net.Conn) { finish(c) }, errTest},
		{"finish without linger", func(c Conn) { c.Finish(errTest, 0) }, nil, errTest},
		{"first cause counts", func(c Conn) { finish(c); c.Abort(io.ErrNoProgress) }, nil, errTest},
		{"abort twice", func(c Conn) { c.Abort(errTest); c.Abort(io.ErrNoProgress); finish(c) }, nil, errTest},
		{"peer closes", nil, func(_ Conn, nc net.Conn) { nc.Close() }, io.EOF},
		{"peer closes its side", nil, func(_ Conn, nc net.Conn) { nc.(*net.TCPConn).CloseWrite() }, io.EOF},
		{"peer resets", nil, func(_ Conn, nc net.Conn) { nc.(*net.TCPConn).SetLinger(0); nc.Close() }, syscall.ECONNRESET},
		{"abort while the peer closes", func(c Conn) { c.Abort(errTest) }, func(_ Conn, nc net.Conn) { nc.Close() }, errTest},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			r := newRecorder(t)
			got := make(chan struct{}, 1)
			c, nc := pair(t, GroupConfig{Loops: 1}, func(c Conn) Handler {
				r.calls.data = func([]byte) {
					if tc.inside != nil {
						tc.inside(c)
					}
					got <- struct{}{}
				}
				return r
			})
			io.WriteString(nc, "x")
			receive(t, got, "Data")
			if tc.after != nil {
				tc.after(c, nc)
			} else if _, err := nc.Read(make([]byte, 1)); err == nil {
				t.Error("something came")
			}
			nc.Close()
			if err := receive(t, r.closed, "Closed"); !errors.Is(err, tc.want) {
				t.Errorf("Closed(%v)", err)
			}
			if err := c.Send(Head{}, []byte("x"), Urgent); err != ErrClosed {
				t.Errorf("Send: %v", err)
			}
			if err := c.WaitRoom(t.Context(), 1); err != ErrClosed {
				t.Errorf("WaitRoom: %v", err)
			}
			c.SetTimer(time.Millisecond)
			c.Finish(nil, 0)
			c.Abort(nil)
		})
	}
}

// The peer goes on sending while it is told goodbye; were the socket closed at once, the kernel would answer with a
// reset, and the peer's kernel throw away what it had not read.
func TestFinishDeliversEverythingToAPeerThatSends(t *testing.T) {
	r := newRecorder(t)
	answer := bytes.Repeat([]byte("goodbye "), 1<<17)
	_, nc := pair(t, GroupConfig{Loops: 1}, func(c Conn) Handler {
		r.calls.data = func([]byte) {
			c.Send(Head{}, answer, Urgent)
			c.Finish(errTest, patience)
			if err := c.Send(Head{}, answer, Urgent); err != ErrClosed {
				t.Errorf("Send: %v", err)
			}
		}
		return r
	})
	var wg sync.WaitGroup
	wg.Go(func() {
		for range 50 {
			nc.Write(make([]byte, 100_000))
		}
	})
	wg.Wait()
	got, err := io.ReadAll(nc)
	if err != nil || !bytes.Equal(got, answer) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	nc.Close()
	if err := receive(t, r.closed, "Closed"); err != errTest {
		t.Errorf("Closed(%v)", err)
	}
}

func TestAbortSendsNothingOfWhatIsQueued(t *testing.T) {
	r := newRecorder(t)
	_, nc := pair(t, GroupConfig{Loops: 1}, func(c Conn) Handler {
		r.calls.data = func([]byte) {
			c.Send(Head{}, []byte("queued until Data returns"), Normal)
			c.Abort(errTest)
		}
		return r
	})
	io.WriteString(nc, "x")
	if got, _ := io.ReadAll(nc); len(got) > 0 {
		t.Errorf("the peer got %q", got)
	}
	receive(t, r.closed, "Closed")
}

// A peer that has closed its side may well not read any more.
func TestWaitingForRoomEndsWhenThePeerClosesItsSide(t *testing.T) {
	c, nc := pair(t, GroupConfig{Loops: 1, Config: Config{Outbox: 1000}}, silent)
	sendUntilFull(t, c, 1000, Normal)
	waiting := make(chan error, 1)
	go func() { waiting <- c.WaitRoom(t.Context(), 1000) }()
	eventually(t, func() bool { return inLoop(c, func(s *sock) bool { return s.inStraits().room.next != nil }) })
	nc.(*net.TCPConn).CloseWrite()
	if err := receive(t, waiting, "end of WaitRoom"); err != ErrClosed {
		t.Errorf("WaitRoom: %v", err)
	}
}

func TestFinishWaitsNoLongerThanItMay(t *testing.T) {
	r := newRecorder(t)
	c, nc := pair(t, GroupConfig{Loops: 1}, func(Conn) Handler { return r })
	began := time.Now()
	c.Finish(errTest, 100*time.Millisecond)
	if _, err := nc.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the peer got %v", err)
	}
	if err := receive(t, r.closed, "Closed"); err != errTest {
		t.Errorf("Closed(%v)", err)
	}
	if d := time.Since(began); d < 100*time.Millisecond || d > patience/2 {
		t.Errorf("after %v", d)
	}
}

func TestFinishDoesNotReadForEver(t *testing.T) {
	r := newRecorder(t)
	c, nc := pair(t, GroupConfig{Loops: 1}, func(Conn) Handler { return r })
	c.Finish(errTest, time.Hour)
	p := make([]byte, 1<<20)
	for range 10 * maxDiscard / len(p) {
		if _, err := nc.Write(p); err != nil {
			break
		}
	}
	receive(t, r.closed, "Closed")
}

func TestPeerThatClosesItsSideGetsTheRest(t *testing.T) {
	_, address := serve(t, GroupConfig{Loops: 1}, echo)
	nc := dial(t, address)
	sent := bytes.Repeat([]byte("x"), 4<<20)
	go func() {
		nc.Write(sent)
		nc.(*net.TCPConn).CloseWrite()
	}()
	if got, err := io.ReadAll(nc); err != nil || len(got) != len(sent) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

func TestEndThatCameWithTheLastBytesIsSeen(t *testing.T) {
	r := newRecorder(t)
	got := make(chan string, 1)
	r.calls.data = func(p []byte) { got <- string(p) }
	g := newGroup(t, GroupConfig{Loops: 1})
	ours, theirs := adoptable(t)
	io.WriteString(theirs, "last")
	theirs.Close()
	if err := g.Adopt(ours, nil, func(Conn) Handler { return r }); err != nil {
		t.Fatal(err)
	}
	if s := receive(t, got, "Data"); s != "last" {
		t.Errorf("got %q", s)
	}
	if err := receive(t, r.closed, "Closed"); err != io.EOF {
		t.Errorf("Closed(%v)", err)
	}
}

func TestHandlerMayBeReplaced(t *testing.T) {
	got := make(chan string, 2)
	_, nc := pair(t, GroupConfig{Loops: 1}, func(c Conn) Handler {
		return &calls{data: func(p []byte) {
			got <- "first " + string(p)
			c.SetHandler(&calls{data: func(p []byte) { got <- "second " + string(p) }})
		}}
	})
	io.WriteString(nc, "a")
	if s := receive(t, got, "Data"); s != "first a" {
		t.Error(s)
	}
	io.WriteString(nc, "b")
	if s := receive(t, got, "Data"); s != "second b" {
		t.Error(s)
	}
}
