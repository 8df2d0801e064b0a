package loop

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Group is a number of event loops that share the connections among them. All methods may be called from any
// goroutine, callbacks included.
type Group struct {
	cfg   GroupConfig
	loops []*eventLoop
	watch watch

	live     atomic.Int64 // connections whose Closed has not returned
	draining atomic.Bool
	drained  chan struct{} // closed when draining and nothing is left
	last     sync.Once     // closes drained
	running  sync.WaitGroup
	logged   atomic.Int64 // when accepting last failed, in Unix seconds

	mu        sync.Mutex
	listeners map[*Listener]struct{} // nil once the group takes no more
	stopped   bool
}

// NewGroup starts the loops. It fails when the system has no descriptors left for them; on systems other than Linux
// it returns [errors.ErrUnsupported].
func NewGroup(cfg GroupConfig) (*Group, error) {
	if cfg.Loops <= 0 {
		cfg.Loops = runtime.GOMAXPROCS(0)
	}
	g := &Group{cfg: cfg, drained: make(chan struct{}), listeners: make(map[*Listener]struct{})}
	g.watch.init(g)
	for range cfg.Loops {
		l, err := newEventLoop(g)
		if err != nil {
			for _, l := range g.loops {
				l.poller.close()
			}
			return nil, err
		}
		g.loops = append(g.loops, l)
	}
	g.running.Add(len(g.loops))
	g.watch.start()
	for _, l := range g.loops {
		go l.run()
	}
	return g, nil
}

// Adopt takes over the socket of nc, a plain [net.TCPConn] or [net.UnixConn], and closes nc; for any other kind it
// returns an error that is [errors.ErrUnsupported]. A loop then calls open, which returns the connection's handler, nil
// to refuse it, and gives initial, which was read from nc before, to Data. After an error nc is still the caller's.
func (g *Group) Adopt(nc net.Conn, initial []byte, open func(Conn) Handler) error {
	if g.draining.Load() {
		return ErrShutdown
	}
	fd, err := takeDescriptor(nc)
	if err != nil {
		return err
	}
	peer := endpointOfAddr(nc.RemoteAddr())
	nc.Close()
	g.leastLoaded(nil).admit(fd, peer, &opening{open: open, initial: initial})
	return nil
}

// leastLoaded returns the loop with the fewest connections, in doubt the preferred one.
func (g *Group) leastLoaded(preferred *eventLoop) *eventLoop {
	best := preferred
	if best == nil {
		best = g.loops[0]
	}
	fewest := best.live.Load()
	for _, l := range g.loops {
		if n := l.live.Load(); n < fewest {
			best, fewest = l, n
		}
	}
	return best
}

// admit makes a connection of fd and lets the loop open it.
func (l *eventLoop) admit(fd int, peer endpoint, o *opening) {
	c := &sock{loop: l, handler: o, fd: int32(fd), peer: peer, mailed: true}
	l.live.Add(1)
	l.group.live.Add(1)
	if !l.post(c) {
		unix.Close(fd)
		l.gone()
	}
}

// gone is called when a connection's Closed has returned.
func (g *Group) gone() {
	if g.live.Add(-1) == 0 && g.draining.Load() {
		g.last.Do(func() { close(g.drained) })
	}
}

// Shutdown closes the listeners, waits until all connections have ended and then ends the loops. When the context is
// done before that, it aborts the connections that are left with [ErrShutdown] and returns the context's error.
// It does not wait for callbacks then; each connection's Closed follows when they have returned.
func (g *Group) Shutdown(ctx context.Context) error {
	g.refuse()
	var err error
	select {
	case <-g.drained:
	case <-ctx.Done():
		err = ctx.Err()
	}
	g.stop()
	return err
}

// Close ends the loops at once, and all connections with [ErrShutdown]. It does not wait for callbacks.
func (g *Group) Close() error {
	g.refuse()
	g.stop()
	return nil
}

// refuse lets no more connections in.
func (g *Group) refuse() {
	g.mu.Lock()
	listeners := g.listeners
	g.listeners = nil
	g.mu.Unlock()
	for l := range listeners {
		l.close()
	}
	g.draining.Store(true)
	if g.live.Load() == 0 {
		g.last.Do(func() { close(g.drained) })
	}
}

// stop ends the loops and waits until they have.
func (g *Group) stop() {
	g.mu.Lock()
	if !g.stopped {
		g.stopped = true
		for _, l := range g.loops {
			l.order((*eventLoop).stop)
		}
	}
	g.mu.Unlock()
	g.running.Wait()
}

// Stats returns what the group has counted.
func (g *Group) Stats() GroupStats {
	s := GroupStats{Connections: g.live.Load()}
	for _, l := range g.loops {
		l.counts.addTo(&s)
		l.direct.addTo(&s)
	}
	return s
}

// order makes the loop carry out a task.
func (l *eventLoop) order(task func(*eventLoop)) {
	l.tasks.add(task)
	l.rouse()
}

// stop aborts all connections; the loop ends when they are gone.
func (l *eventLoop) stop() {
	l.stopping = true
	for c := range l.socks.all() {
		c.Abort(ErrShutdown)
	}
}

// takeDescriptor returns a descriptor of its own for a socket that Go's runtime knows.
func takeDescriptor(socket any) (int, error) {
	switch nc := socket.(type) {
	case *net.TCPConn:
		return duplicate(nc.SyscallConn())
	case *net.UnixConn:
		if nc.LocalAddr().Network() == "unix" {
			return duplicate(nc.SyscallConn())
		}
	case *net.TCPListener:
		return duplicate(nc.SyscallConn())
	case *net.UnixListener:
		if nc.Addr().Network() == "unix" {
			return duplicate(nc.SyscallConn())
		}
	}
	return -1, fmt.Errorf("event loop on %T: %w", socket, errors.ErrUnsupported)
}

func duplicate(raw syscall.RawConn, err error) (int, error) {
	if err != nil {
		return -1, err
	}
	var fd int
	if e := raw.Control(func(from uintptr) {
		fd, err = unix.FcntlInt(from, unix.F_DUPFD_CLOEXEC, 0)
	}); e != nil {
		return -1, e
	}
	if err != nil {
		return -1, os.NewSyscallError("dup", err)
	}
	unix.SetNonblock(fd, true) // it may have been changed through the File method
	return fd, nil
}
