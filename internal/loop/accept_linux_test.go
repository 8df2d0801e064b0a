package loop

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// limitDescriptors lets this process open so many descriptors more, and gives back the old limit after the test.
func limitDescriptors(t testing.TB, more int) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit) })
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	open := make(map[int]bool)
	for _, fd := range fds {
		n, _ := strconv.Atoi(fd.Name())
		open[n] = true
	}
	lower := limit
	for lower.Cur = 0; more > 0; lower.Cur++ {
		if !open[int(lower.Cur)] {
			more--
		}
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &lower); err != nil {
		t.Fatal(err)
	}
}

// lines counts what is logged.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Count(l.b.Bytes(), []byte("\n"))
}

func TestServesOnWithoutDescriptors(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	clients := make([]net.Conn, 100)
	for i := range clients {
		clients[i] = dial(t, l.Addr().String()) // waits in the kernel
	}
	var log lines
	g := newGroup(t, GroupConfig{Loops: 1, Log: slog.New(slog.NewTextHandler(&log, nil))})
	first, last := clients[:50], clients[50:]
	limited := make(chan struct{})
	g.loops[0].order(func(*eventLoop) { <-limited }) // nothing is accepted before that
	listening := make(chan error)
	go func() {
		_, err := g.Listen(l, echo)
		listening <- err
	}()
	eventually(t, func() bool {
		g.mu.Lock()
		defer g.mu.Unlock()
		return len(g.listeners) == 1
	})
	limitDescriptors(t, 20)
	limitedAt := time.Now()
	close(limited)
	if err := <-listening; err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return g.Stats().AcceptErrors > 0 })
	before := g.Stats()
	if n := before.Connections; n == 0 || n > 50 {
		t.Errorf("%d connections within the limit", n)
	}
	slowest(t, first[0], 100)
	eventually(t, func() bool { return g.Stats().AcceptErrors >= before.AcceptErrors+3 })
	after, took := g.Stats(), time.Since(limitedAt)
	if most := uint64(took/acceptPause) + 1; after.AcceptErrors > most {
		t.Errorf("tried %d times in %v", after.AcceptErrors, took)
	}
	// An echo takes a turn or two, some more where a busy machine has the loop taken over; who spins makes thousands.
	if n := after.Turns - before.Turns; n > 1000+10*(after.AcceptErrors-before.AcceptErrors) {
		t.Errorf("the loop spins: %d turns", n)
	}
	if n := log.count(); n == 0 || n > int(took.Seconds())+2 {
		t.Errorf("%d lines were logged in %v", n, took)
	}
	for _, nc := range last {
		nc.Close()
	}
	for _, nc := range first {
		slowest(t, nc, 1)
	}
}

func TestAcceptedSocketsInheritTheirOptions(t *testing.T) {
	c, _ := pair(t, GroupConfig{Loops: 1}, silent)
	s := c.(*sock)
	s.mu.Lock()
	fd := int(s.fd)
	s.mu.Unlock()
	for name, option := range map[string][3]int{
		"TCP_NODELAY":   {unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
		"SO_KEEPALIVE":  {unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
		"TCP_KEEPIDLE":  {unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, keepAliveIdle},
		"TCP_KEEPINTVL": {unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, keepAliveInterval},
		"TCP_KEEPCNT":   {unix.IPPROTO_TCP, unix.TCP_KEEPCNT, keepAliveProbes},
	} {
		if got, err := unix.GetsockoptInt(fd, option[0], option[1]); err != nil || got != option[2] {
			t.Errorf("%s is %d, %v", name, got, err)
		}
	}
}

func TestSharedListenerSpreadsConnections(t *testing.T) {
	g := newGroup(t, GroupConfig{Loops: 4})
	ln, err := listen(g, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for range 40 {
		nc := dial(t, ln.Addr().String())
		if err := exchange(nc, 1); err != nil {
			t.Fatal(err)
		}
	}
	for i, l := range g.loops {
		if n := l.live.Load(); n != 10 {
			t.Errorf("loop %d has %d connections", i, n)
		}
	}
}

func TestListenerCloseFreesTheAddressAndKeepsConnections(t *testing.T) {
	g := newGroup(t, GroupConfig{Loops: 2})
	for _, listen := range []func(string) (*Listener, error){
		func(a string) (*Listener, error) { return g.ListenReusePort("tcp", a, false, echo) },
		func(a string) (*Listener, error) { return listen(g, "tcp", a) },
	} {
		ln, err := listen("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		nc := dial(t, ln.Addr().String())
		if err := exchange(nc, 10); err != nil {
			t.Fatal(err)
		}
		ln.Close()
		if _, err := net.Dial("tcp", ln.Addr().String()); err == nil {
			t.Error("connected to a closed listener")
		}
		if err := exchange(nc, 10); err != nil {
			t.Error(err)
		}
		if n := len(g.listeners); n != 0 {
			t.Errorf("the group keeps %d closed listeners", n)
		}
	}
}

// Whoever passed the socket on may go on holding it, and then its queue goes on filling.
func TestListenerThatIsClosedIsNotAnnouncedThoughOthersHoldItsSocket(t *testing.T) {
	g := newGroup(t, GroupConfig{Loops: 1})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	held, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	ln, err := g.Listen(l, echo)
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	dial(t, l.Addr().String())
	announced := make(chan int)
	g.loops[0].order(func(l *eventLoop) {
		n, _ := l.poller.ready(make([]event, maxEvents))
		announced <- n
	})
	if n := receive(t, announced, "answer"); n != 0 {
		t.Errorf("%d events of a listener that is closed", n)
	}
}

func TestListenLeavesToTheCallerWhatIsNoSocket(t *testing.T) {
	g := newGroup(t, GroupConfig{Loops: 2})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := g.Listen(struct{ net.Listener }{l}, echo); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Listen: %v", err)
	}
	wantOurs(t, l)
}

// wantOurs wants connections of l to come to the test.
func wantOurs(t *testing.T, l net.Listener) {
	t.Helper()
	dial(t, l.Addr().String())
	nc, err := l.Accept()
	if err != nil {
		t.Fatalf("the listener is not the caller's any more: %v", err)
	}
	nc.Close()
}

func TestListenForWantOfDescriptorsTakesNone(t *testing.T) {
	const free = 2 // too few for three loops
	g := newGroup(t, GroupConfig{Loops: 3})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	limitDescriptors(t, 20)
	for name, listen := range map[string]func() (*Listener, error){
		"Listen":          func() (*Listener, error) { return g.Listen(l, echo) },
		"ListenReusePort": func() (*Listener, error) { return g.ListenReusePort("tcp", "127.0.0.1:0", false, echo) },
	} {
		taken := takeDescriptors(free)
		if _, err := listen(); !errors.Is(err, syscall.EMFILE) {
			t.Errorf("%s: %v", name, err)
		}
		left := takeDescriptors(0)
		if len(left) < free {
			t.Errorf("%s has left %d descriptors of %d", name, len(left), free)
		}
		for _, fd := range append(taken, left...) {
			unix.Close(fd)
		}
	}
}

// takeDescriptors takes all that the process may open but a few.
func takeDescriptors(free int) (taken []int) {
	for {
		fd, err := unix.Dup(0)
		if err != nil {
			break
		}
		taken = append(taken, fd)
	}
	for range free {
		last := len(taken) - 1
		unix.Close(taken[last])
		taken = taken[:last]
	}
	return taken
}

func TestUnixSocketIsRemovedWithItsListener(t *testing.T) {
	g := newGroup(t, GroupConfig{Loops: 1})
	path := filepath.Join(t.TempDir(), "socket")
	ln, err := listen(g, "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestReusedPortIsSharedOnlyOnRequest(t *testing.T) {
	ours, others := newGroup(t, GroupConfig{Loops: 3}), newGroup(t, GroupConfig{Loops: 2})
	alone, err := ours.ListenReusePort("tcp", "127.0.0.1:0", false, echo)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := others.ListenReusePort("tcp", alone.Addr().String(), false, echo); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("listening on an address that is taken: %v", err)
	}
	if l, err := net.Listen("tcp", alone.Addr().String()); err == nil {
		l.Close()
		t.Error("a listener that shares nothing got the address, too")
	}
	first, err := ours.ListenReusePort("tcp", "127.0.0.1:0", true, echo)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := others.ListenReusePort("tcp", first.Addr().String(), true, echo); err != nil {
		t.Errorf("sharing an address: %v", err)
	}
}
