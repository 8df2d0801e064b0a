package loop

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"
)

// patience is how long a test waits for what must happen. It only passes when something hangs.
const patience = time.Minute

// calls is a Handler made of functions, any of which may be nil.
type calls struct {
	data   func(p []byte)
	timer  func()
	closed func(err error)
}

func (h *calls) Data(p []byte) {
	if h.data != nil {
		h.data(p)
	}
}

func (h *calls) Timer() {
	if h.timer != nil {
		h.timer()
	}
}

func (h *calls) Closed(err error) {
	if h.closed != nil {
		h.closed(err)
	}
}

func echo(c Conn) Handler {
	return &calls{data: func(p []byte) { c.Send(Head{}, p, Urgent) }}
}

func newGroup(t testing.TB, cfg GroupConfig) *Group {
	t.Helper()
	g, err := NewGroup(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	return g
}

// serve starts a group that listens on a free port and returns the address.
func serve(t testing.TB, cfg GroupConfig, open func(Conn) Handler) (*Group, string) {
	t.Helper()
	g := newGroup(t, cfg)
	ln, err := g.ListenReusePort("tcp", "127.0.0.1:0", false, open)
	if err != nil {
		t.Fatal(err)
	}
	return g, ln.Addr().String()
}

func dial(t testing.TB, address string) net.Conn {
	t.Helper()
	network := "tcp"
	if strings.HasPrefix(address, "/") {
		network = "unix"
	}
	nc, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(patience))
	return nc
}

func receive[T any](t testing.TB, from <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(patience):
		t.Fatalf("no %s", what)
	}
	return v
}

// exchange sends random bytes, cut anywhere, and wants them back.
func exchange(nc net.Conn, size int) error {
	sent := make([]byte, size)
	for i := range sent {
		sent[i] = byte(rand.Uint32())
	}
	go func() {
		for rest := sent; len(rest) > 0; {
			n := min(len(rest), 1+rand.IntN(1+rand.IntN(200_000)))
			if _, err := nc.Write(rest[:n]); err != nil {
				return
			}
			rest = rest[n:]
		}
	}()
	got := make([]byte, size)
	if _, err := io.ReadFull(nc, got); err != nil {
		return err
	}
	if !bytes.Equal(got, sent) {
		return errors.New("what came back differs")
	}
	return nil
}

func TestConnectionIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(sock{}); n > 144 {
		t.Errorf("a connection takes %d bytes", n)
	}
}

func TestEchoOnAllKindsOfSockets(t *testing.T) {
	listeners := map[string]func(g *Group) (*Listener, error){
		"tcp4 reuse port": func(g *Group) (*Listener, error) { return g.ListenReusePort("tcp4", "127.0.0.1:0", false, echo) },
		"tcp6 reuse port": func(g *Group) (*Listener, error) { return g.ListenReusePort("tcp6", "[::1]:0", false, echo) },
		"tcp4":            func(g *Group) (*Listener, error) { return listen(g, "tcp4", "127.0.0.1:0") },
		"tcp6":            func(g *Group) (*Listener, error) { return listen(g, "tcp6", "[::1]:0") },
		"unix": func(g *Group) (*Listener, error) {
			return listen(g, "unix", filepath.Join(t.TempDir(), "socket"))
		},
	}
	for name, start := range listeners {
		t.Run(name, func(t *testing.T) {
			g := newGroup(t, GroupConfig{Loops: 2})
			ln, err := start(g)
			if err != nil && strings.HasPrefix(name, "tcp6") && !ipv6() {
				t.Skip("no IPv6 here:", err)
			}
			if err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			for range 8 {
				nc := dial(t, ln.Addr().String())
				wg.Go(func() {
					if err := exchange(nc, 1<<20); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if s := g.Stats(); s.Accepted != 8 || s.Connections != 8 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// What comes in bulk need not be put together from as many pieces.
func TestBulkIsReadInLargePieces(t *testing.T) {
	var largest atomic.Int64
	_, nc := pair(t, GroupConfig{Loops: 1}, func(Conn) Handler {
		return &calls{data: func(p []byte) { largest.Store(max(largest.Load(), int64(len(p)))) }}
	})
	bulk := make([]byte, 1<<20)
	eventually(t, func() bool {
		if _, err := nc.Write(bulk); err != nil {
			t.Fatal(err)
		}
		return largest.Load() > readSize
	})
}

// ipv6 reports whether this machine has an address of IPv6.
func ipv6() bool {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err == nil {
		l.Close()
	}
	return err == nil
}

func listen(g *Group, network, address string) (*Listener, error) {
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, err
	}
	return g.Listen(l, echo)
}

func TestAddresses(t *testing.T) {
	type addresses struct{ local, remote net.Addr }
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		if address[0] == '[' && !ipv6() {
			t.Log("no IPv6 here")
			continue
		}
		opened, ended := make(chan addresses, 1), make(chan net.Addr, 1)
		g := newGroup(t, GroupConfig{Loops: 1})
		ln, err := g.ListenReusePort("tcp", address, false, func(c Conn) Handler {
			opened <- addresses{c.LocalAddr(), c.RemoteAddr()}
			return &calls{closed: func(error) { ended <- c.RemoteAddr() }}
		})
		if err != nil {
			t.Fatal(err)
		}
		nc := dial(t, ln.Addr().String())
		got := receive(t, opened, "open")
		if got.local.String() != nc.RemoteAddr().String() || got.remote.String() != nc.LocalAddr().String() {
			t.Errorf("got %v, client has local %v, remote %v", got, nc.LocalAddr(), nc.RemoteAddr())
		}
		nc.Close()
		if got := receive(t, ended, "Closed"); got.String() != nc.LocalAddr().String() {
			t.Errorf("after the end: %v", got)
		}
	}
}

// eventually polls for what a test cannot be told of.
func eventually(t testing.TB, ok func() bool) {
	t.Helper()
	if !within(ok) {
		t.Fatal("it did not come to be")
	}
}

// within polls until ok, and reports whether it came to be in time.
func within(ok func() bool) bool {
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

// resources returns the numbers of goroutines and descriptors of this process.
func resources(t testing.TB) (goroutines, descriptors int) {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return runtime.NumGoroutine(), len(fds)
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	serve(t, GroupConfig{Loops: 1}, echo) // what the runtime opens once is open now
	goroutines, descriptors := resources(t)
	for range 10 {
		var closed atomic.Int32
		g, address := serve(t, GroupConfig{Loops: 3}, func(c Conn) Handler {
			return &calls{closed: func(err error) {
				if err != ErrShutdown {
					t.Errorf("Closed(%v)", err)
				}
				closed.Add(1)
			}}
		})
		clients := make([]net.Conn, 20)
		for i := range clients {
			clients[i] = dial(t, address)
		}
		eventually(t, func() bool { return g.Stats().Connections == 20 })
		g.Close()
		if n := closed.Load(); n != 20 {
			t.Errorf("Closed came %d times", n)
		}
		for _, nc := range clients {
			if _, err := nc.Read(make([]byte, 1)); err == nil {
				t.Error("a connection survived")
			}
			nc.Close()
		}
	}
	eventually(t, func() bool {
		g, d := resources(t)
		return g <= goroutines && d <= descriptors
	})
}

func TestNobodyWatchesLoopsThatSleep(t *testing.T) {
	g, address := serve(t, GroupConfig{Loops: 2}, echo)
	if err := exchange(dial(t, address), 100); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return !g.watch.armed.Load() })
	if g.watch.timer.Stop() {
		t.Error("the timer goes on")
	}
}

func TestShutdownWaitsForConnections(t *testing.T) {
	g, address := serve(t, GroupConfig{Loops: 2}, echo)
	nc := dial(t, address)
	if err := exchange(nc, 100); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- g.Shutdown(context.Background()) }()
	eventually(t, func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	if err := exchange(nc, 100); err != nil {
		t.Fatal(err)
	}
	nc.Close()
	if err := receive(t, done, "end of Shutdown"); err != nil {
		t.Error(err)
	}
	if _, err := g.ListenReusePort("tcp", "127.0.0.1:0", false, echo); err != ErrShutdown {
		t.Errorf("ListenReusePort: %v", err)
	}
	ours, _ := adoptable(t)
	defer ours.Close()
	if err := g.Adopt(ours, nil, echo); err != ErrShutdown {
		t.Errorf("Adopt: %v", err)
	}
}

func TestShutdownAbortsWhenTheContextEnds(t *testing.T) {
	closed := make(chan error, 1)
	g, address := serve(t, GroupConfig{Loops: 1}, func(Conn) Handler {
		return &calls{closed: func(err error) { closed <- err }}
	})
	dial(t, address)
	eventually(t, func() bool { return g.Stats().Connections == 1 })
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := g.Shutdown(ctx); err != context.Canceled {
		t.Errorf("got %v", err)
	}
	if err := receive(t, closed, "Closed"); err != ErrShutdown {
		t.Errorf("Closed(%v)", err)
	}
}

func TestConnectCloseCyclesLeaveNothingBehind(t *testing.T) {
	cycles := 20_000
	if testing.Short() {
		cycles = 500
	}
	var opened, closed atomic.Int64
	g, address := serve(t, GroupConfig{Loops: 2}, func(c Conn) Handler {
		opened.Add(1)
		return &calls{data: func(p []byte) { c.Send(Head{}, p, Normal) }, closed: func(error) { closed.Add(1) }}
	})
	_, before := resources(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range cycles / 8 {
				nc, err := net.Dial("tcp", address)
				if err != nil {
					t.Error(err)
					return
				}
				nc.(*net.TCPConn).SetLinger(0) // leave no port in TIME_WAIT
				if i%2 == 0 {
					nc.Write([]byte("x"))
					nc.Read(make([]byte, 1))
				}
				nc.Close()
			}
		})
	}
	wg.Wait()
	// The last ones may not even be accepted yet.
	settled := within(func() bool {
		_, after := resources(t)
		return g.Stats().Connections == 0 && after <= before && opened.Load() == closed.Load()
	})
	if _, after := resources(t); !settled {
		t.Errorf("opened %d, closed %d; descriptors grew from %d to %d", opened.Load(), closed.Load(), before, after)
	}
}
