package loop

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// connect has a group make a connection that sends hello once it is made. What arrives and what ends it goes to the
// channels.
func connect(t *testing.T, g *Group, d Dialing, hello string) (arrived chan string, closed chan error) {
	t.Helper()
	arrived, closed = make(chan string, 100), make(chan error, 2)
	err := g.Connect(d, func(c Conn) Handler {
		return &calls{
			data: func(p []byte) {
				if len(p) == 0 {
					c.Send(Head{}, []byte(hello), Urgent)
				}
				arrived <- string(p)
			},
			timer:  func() { c.Abort(os.ErrDeadlineExceeded) },
			closed: func(err error) { closed <- err },
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return arrived, closed
}

func TestConnectsFromTheAddressAsked(t *testing.T) {
	peers := make(chan net.Addr, 10)
	_, address := serve(t, GroupConfig{Loops: 1}, func(c Conn) Handler {
		peers <- c.RemoteAddr()
		return echo(c)
	})
	g := newGroup(t, GroupConfig{Loops: 2})
	to := netip.MustParseAddrPort(address)
	for i, from := range []string{"127.0.0.1", "127.0.0.9"} {
		arrived, _ := connect(t, g, Dialing{To: to, From: netip.MustParseAddr(from), Loop: i}, "hello")
		if p := receive(t, arrived, "connection"); p != "" {
			t.Fatalf("%q arrived before the connection was made", p)
		}
		if p := receive(t, arrived, "echo"); p != "hello" {
			t.Fatalf("%q came back", p)
		}
		if ip := receive(t, peers, "peer").(*net.TCPAddr).IP.String(); ip != from {
			t.Errorf("came from %s, want %s", ip, from)
		}
	}
	if n := g.loops[0].live.Load() + 10*g.loops[1].live.Load(); n != 11 {
		t.Errorf("connections on the loops: %d", n)
	}
}

func TestConnectsOverIPv6(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip(err)
	}
	server := newGroup(t, GroupConfig{Loops: 1})
	if _, err := server.Listen(l, echo); err != nil {
		t.Fatal(err)
	}
	arrived, _ := connect(t, newGroup(t, GroupConfig{Loops: 1}),
		Dialing{To: netip.MustParseAddrPort(l.Addr().String())}, "hello")
	receive(t, arrived, "connection")
	if p := receive(t, arrived, "echo"); p != "hello" {
		t.Fatalf("%q came back", p)
	}
}

func TestWhatIsSentBeforeTheConnectionIsMadeArrives(t *testing.T) {
	_, address := serve(t, GroupConfig{Loops: 1}, echo)
	g := newGroup(t, GroupConfig{Loops: 1})
	got := make(chan string, 10)
	err := g.Connect(Dialing{To: netip.MustParseAddrPort(address)}, func(c Conn) Handler {
		c.Send(Head{}, []byte("early"), Urgent)
		return &calls{data: func(p []byte) { got <- string(p) }}
	})
	if err != nil {
		t.Fatal(err)
	}
	receive(t, got, "connection")
	if p := receive(t, got, "echo"); p != "early" {
		t.Fatalf("%q came back", p)
	}
}

func TestRefusedConnectionIsClosedWithTheReason(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	g := newGroup(t, GroupConfig{Loops: 1})
	arrived, closed := connect(t, g, Dialing{To: netip.MustParseAddrPort(l.Addr().String())}, "")
	if err := receive(t, closed, "end"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("ended with %v", err)
	}
	if len(arrived) > 0 {
		t.Error("Data was called")
	}
	eventually(t, func() bool { return g.Stats().Connections == 0 })
}

// fullListener listens and lets nobody in any more.
func fullListener(t *testing.T) netip.AddrPort {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), unix.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	address := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(sa.(*unix.SockaddrInet4).Port))
	for range 2 {
		nc, err := net.DialTimeout("tcp", address.String(), 200*time.Millisecond)
		if err == nil {
			t.Cleanup(func() { nc.Close() })
		}
	}
	return address
}

func TestConnectionOnItsWayHasTimersAndCanBeAborted(t *testing.T) {
	to := fullListener(t)
	g := newGroup(t, GroupConfig{Loops: 1})
	for name, act := range map[string]func(Conn){
		"timer": func(c Conn) { c.SetTimer(time.Millisecond) },
		"abort": func(c Conn) { c.Abort(os.ErrDeadlineExceeded) },
	} {
		closed := make(chan error, 1)
		err := g.Connect(Dialing{To: to}, func(c Conn) Handler {
			act(c)
			return &calls{
				timer:  func() { c.Abort(os.ErrDeadlineExceeded) },
				closed: func(err error) { closed <- err },
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := receive(t, closed, "end"); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: ended with %v", name, err)
		}
	}
	_, closed := connect(t, g, Dialing{To: to}, "")
	g.Close()
	if err := receive(t, closed, "end"); !errors.Is(err, ErrShutdown) {
		t.Errorf("shutdown: ended with %v", err)
	}
	if err := g.Connect(Dialing{To: to}, nil); !errors.Is(err, ErrShutdown) {
		t.Errorf("after the end: %v", err)
	}
}

func TestConnectFailsAtOnceForWantOfASocket(t *testing.T) {
	g := newGroup(t, GroupConfig{Loops: 1})
	to := netip.MustParseAddrPort("127.0.0.1:1")
	err := g.Connect(Dialing{To: to, From: netip.MustParseAddr("192.0.2.1")}, nil)
	if !errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Errorf("from an address of somebody else: %v", err)
	}
	limitDescriptors(t, 0)
	if err := g.Connect(Dialing{To: to}, nil); !errors.Is(err, syscall.EMFILE) {
		t.Errorf("without descriptors: %v", err)
	}
}

func TestResetLeavesNothingBehind(t *testing.T) {
	ended := make(chan error, 1)
	_, address := serve(t, GroupConfig{Loops: 1}, func(Conn) Handler {
		return &calls{closed: func(err error) { ended <- err }}
	})
	g := newGroup(t, GroupConfig{Loops: 1})
	err := g.Connect(Dialing{To: netip.MustParseAddrPort(address), Reset: true}, func(c Conn) Handler {
		return &calls{data: func([]byte) { c.Abort(nil) }}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := receive(t, ended, "end"); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the peer saw %v", err)
	}
}

func TestManyConnectionsAreMadeAndLost(t *testing.T) {
	server, address := serve(t, GroupConfig{Loops: 1}, echo)
	g := newGroup(t, GroupConfig{Loops: 2})
	const n = 500
	made, ended := make(chan struct{}, n), make(chan error, n)
	for i := range n {
		err := g.Connect(Dialing{To: netip.MustParseAddrPort(address), Loop: i % g.Loops()}, func(c Conn) Handler {
			return &calls{
				data: func(p []byte) {
					if len(p) == 0 {
						c.Send(Head{}, []byte("x"), Normal)
						return
					}
					made <- struct{}{}
				},
				closed: func(err error) { ended <- err },
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for range n {
		receive(t, made, "connection")
	}
	server.Close()
	for range n {
		if err := receive(t, ended, "end"); err != io.EOF && !errors.Is(err, syscall.ECONNRESET) {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := g.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

func TestTicksComeInTimeUntilTheyAreAborted(t *testing.T) {
	g := newGroup(t, GroupConfig{Loops: 1})
	const every = 500 * time.Microsecond
	ticks, ended := 0, make(chan error, 1)
	began := time.Now()
	err := g.Tick(0, every, func(c Conn) Handler {
		return &calls{
			data: func([]byte) {
				if ticks++; ticks == 100 {
					c.Abort(os.ErrDeadlineExceeded)
				}
			},
			closed: func(err error) { ended <- err },
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := receive(t, ended, "end"); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("ended with %v", err)
	}
	if took := time.Since(began); ticks != 100 || took < 99*every {
		t.Errorf("%d ticks in %v", ticks, took)
	}
}
