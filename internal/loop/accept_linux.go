package loop

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// maxAccepts bounds how many connections a loop accepts before it serves others.
	maxAccepts = 64
	// acceptPause is how long a loop does not accept when it has run out of descriptors or memory.
	acceptPause = 100 * time.Millisecond

	keepAliveIdle     = 3 * 60 // seconds
	keepAliveInterval = 30     // seconds
	keepAliveProbes   = 4
)

// A Listener accepts connections for a [Group].
type Listener struct {
	group   *Group
	addr    net.Addr
	inner   net.Listener // what Listen was given
	opening opening
	local   bool // each loop has a queue of its own and keeps what it accepts
	open    sync.WaitGroup
	once    sync.Once
	members []*acceptor
}

// An acceptor is one loop's descriptor of a Listener.
type acceptor struct {
	listener *Listener
	loop     *eventLoop
	fd       int
	slot     uint32
	paused   bool
}

// Listen accepts connections from l, a plain [net.TCPListener] or [net.UnixListener], on all loops, and shares them out
// evenly. open is as for [Group.Adopt]. Connections have TCP_NODELAY and keep-alive set. The group owns l from now on
// and closes it with the Listener. For another kind of listener the error is [errors.ErrUnsupported]; l is still the
// caller's after an error.
func (g *Group) Listen(l net.Listener, open func(Conn) Handler) (*Listener, error) {
	ln := &Listener{group: g, addr: l.Addr(), opening: opening{open: open}}
	for _, loop := range g.loops {
		fd, err := takeDescriptor(l)
		if err != nil {
			ln.discard()
			return nil, err
		}
		ln.add(loop, fd)
	}
	ln.inner = l
	if err := ln.start(); err != nil {
		return nil, err
	}
	return ln, nil
}

// ListenReusePort listens on a TCP address with a queue of its own for each loop (SO_REUSEPORT), between which the
// kernel spreads the connections. Unless shared is set, it fails when another process has the address, and keeps those
// out that would not share it. Otherwise it is like [Group.Listen].
func (g *Group) ListenReusePort(network, address string, shared bool, open func(Conn) Handler) (*Listener, error) {
	ln := &Listener{group: g, opening: opening{open: open}, local: true}
	for i, loop := range g.loops {
		l, err := listenReusePort(network, address, !shared && i == 0)
		if err != nil {
			ln.discard()
			return nil, err
		}
		ln.addr, address = l.Addr(), l.Addr().String()
		fd, err := takeDescriptor(l)
		l.Close()
		if err != nil {
			ln.discard()
			return nil, err
		}
		ln.add(loop, fd)
	}
	if err := ln.start(); err != nil {
		return nil, err
	}
	return ln, nil
}

// listenReusePort listens on an address that is shared from the beginning or, with alone set, only once we have it.
func listenReusePort(network, address string, alone bool) (net.Listener, error) {
	cfg := net.ListenConfig{Control: reusePort}
	if alone {
		cfg.Control = nil
	}
	cfg.SetMultipathTCP(false)
	l, err := cfg.Listen(context.Background(), network, address)
	if err != nil || !alone {
		return l, err
	}
	raw, err := l.(syscall.Conn).SyscallConn()
	if err == nil {
		err = reusePort("", "", raw)
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func reusePort(_, _ string, raw syscall.RawConn) (err error) {
	if e := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	}); e != nil {
		return e
	}
	return os.NewSyscallError("setsockopt", err)
}

// Addr returns the address that the listener is bound to.
func (ln *Listener) Addr() net.Addr { return ln.addr }

// Close stops accepting; the connections go on. It returns once all descriptors are closed.
func (ln *Listener) Close() error {
	ln.group.mu.Lock()
	delete(ln.group.listeners, ln)
	ln.group.mu.Unlock()
	return ln.close()
}

func (ln *Listener) close() (err error) {
	ln.once.Do(func() {
		for _, a := range ln.members {
			a.loop.order(func(l *eventLoop) { l.removeListener(a) })
		}
		ln.open.Wait()
		if ln.inner != nil {
			err = ln.inner.Close()
		}
	})
	return err
}

func (ln *Listener) add(l *eventLoop, fd int) {
	ln.members = append(ln.members, &acceptor{listener: ln, loop: l, fd: fd})
}

// discard is for a listener that was never started.
func (ln *Listener) discard() {
	for _, a := range ln.members {
		unix.Close(a.fd)
	}
}

// start lets the loops accept.
func (ln *Listener) start() error {
	g := ln.group
	g.mu.Lock()
	if g.listeners == nil {
		g.mu.Unlock()
		ln.discard()
		return ErrShutdown
	}
	g.listeners[ln] = struct{}{}
	errs := make(chan error, len(ln.members))
	ln.open.Add(len(ln.members))
	for _, a := range ln.members {
		ln.setOptions(a.fd)
		a.loop.order(func(l *eventLoop) { errs <- l.addListener(a) })
	}
	g.mu.Unlock()
	var err error
	for range ln.members {
		err = errors.Join(err, <-errs)
	}
	if err != nil {
		ln.inner = nil // is the caller's again
		ln.Close()
	}
	return err
}

// setOptions sets on the listening socket what accepted ones inherit from it, which saves a system call or two for
// each. That some kind of socket lacks an option is no reason not to serve it.
func (ln *Listener) setOptions(fd int) {
	if ln.addr.Network() == "unix" {
		return
	}
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, keepAliveIdle)
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, keepAliveInterval)
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_KEEPCNT, keepAliveProbes)
}

func (l *eventLoop) addListener(a *acceptor) error {
	l.lastListener++
	a.slot = l.lastListener
	l.listeners[a.slot] = a
	return l.poller.addListener(a.fd, a.token())
}

func (a *acceptor) token() token { return token{a.slot, listenerGeneration} }

// removeListener stops accepting from a, if that has not happened before.
func (l *eventLoop) removeListener(a *acceptor) {
	if l.listeners[a.slot] != a {
		return
	}
	delete(l.listeners, a.slot)
	if !a.paused {
		l.poller.remove(a.fd) // closing is not enough: other loops may hold the same socket
	}
	unix.Close(a.fd)
	a.listener.open.Done()
}

// accept takes what waits at a listener, which may have been removed meanwhile: then a is nil.
func (l *eventLoop) accept(a *acceptor) {
	for range maxAccepts {
		if a == nil || a.paused {
			return
		}
		fd, peer, errno := accept4(a.fd)
		switch errno {
		case 0:
			l.counts.accepted++
			to := l
			if !a.listener.local {
				to = l.group.leastLoaded(l)
			}
			to.admit(fd, peer, &a.listener.opening)
		case unix.EAGAIN:
			return
		case unix.EINTR, unix.ECONNABORTED, unix.EPROTO:
			// That one connection is lost.
		default:
			l.pauseAccepting(a, errno)
		}
	}
}

// pauseAccepting leaves connections waiting in the kernel, without being told of them again and again.
func (l *eventLoop) pauseAccepting(a *acceptor, errno syscall.Errno) {
	l.counts.refused++
	a.paused = true
	l.poller.remove(a.fd)
	l.resume = sooner(l.resume, l.after(acceptPause))
	g := l.group
	now := time.Now().Unix()
	if last := g.logged.Load(); last != now && g.logged.CompareAndSwap(last, now) {
		g.cfg.log().Warn("cannot accept connections", slog.Any("error", os.NewSyscallError("accept4", errno)))
	}
}

func (l *eventLoop) resumeAccepting() {
	l.resume = 0
	for _, a := range l.listeners {
		if !a.paused {
			continue
		}
		if err := l.poller.addListener(a.fd, a.token()); err != nil {
			l.resume = l.after(acceptPause)
			continue
		}
		a.paused = false
	}
}

func accept4(fd int) (int, endpoint, syscall.Errno) {
	var raw unix.RawSockaddrAny
	size := uint32(unix.SizeofSockaddrAny)
	n, _, errno := syscall.RawSyscall6(unix.SYS_ACCEPT4, uintptr(fd), uintptr(unsafe.Pointer(&raw)),
		uintptr(unsafe.Pointer(&size)), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
	if errno != 0 {
		return -1, endpoint{}, errno
	}
	return int(n), endpointOf(&raw), 0
}
