package loop

import (
	"fmt"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// A Dialing is a TCP connection that is to be made.
type Dialing struct {
	// To is the server.
	To netip.AddrPort
	// From is the local address to come from; the system's choice unless it is valid. Its port is chosen with regard to
	// the server's address, so that each local address has all ports for each server.
	From netip.Addr
	// Loop is the number of the loop to serve the connection, from 0 to [Group.Loops] less 1.
	Loop int
	// Reset has the socket closed by a reset. Nothing is left of it then in TIME_WAIT, which otherwise keeps its port
	// from being used again for a minute; what was sent last may be lost.
	Reset bool
}

// Loops returns the number of event loops.
func (g *Group) Loops() int { return len(g.loops) }

// Connect begins to make a connection, and does not wait. start is called at once and returns its handler. When the
// connection is made, the handler's Data is called without any bytes; when it fails, Closed with the reason. After an
// error, which wraps that of the system, start was not called or its handler never will be. What is sent before the
// connection is made, waits.
func (g *Group) Connect(d Dialing, start func(Conn) Handler) error {
	if g.draining.Load() {
		return ErrShutdown
	}
	fd, err := d.dial()
	if err != nil {
		return err
	}
	l := g.loops[d.Loop]
	c := &sock{loop: l, fd: int32(fd), peer: endpointOfAddrPort(d.To), mailed: true, dialing: true}
	c.handler = start(c)
	l.live.Add(1)
	g.live.Add(1)
	if !l.post(c) {
		unix.Close(fd)
		l.gone()
		return ErrShutdown
	}
	return nil
}

// dial returns a socket that is on its way.
func (d *Dialing) dial() (int, error) {
	family := unix.AF_INET
	if d.To.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if err := d.begin(fd); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

func (d *Dialing) begin(fd int) error {
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if d.Reset {
		unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	}
	if d.From.IsValid() {
		unix.SetsockoptInt(fd, unix.SOL_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
		if err := unix.Bind(fd, sockaddrOf(netip.AddrPortFrom(d.From, 0))); err != nil {
			return fmt.Errorf("%v: %w", d.From, os.NewSyscallError("bind", err))
		}
	}
	if err := unix.Connect(fd, sockaddrOf(d.To)); err != nil && err != unix.EINPROGRESS {
		return os.NewSyscallError("connect", err)
	}
	return nil
}

// connected finds out what has become of a connection on its way.
func (l *eventLoop) connected(c *sock, r readiness) (mine bool) {
	if r&(writable|failed|hungUp) == 0 {
		return true
	}
	errno, err := unix.GetsockoptInt(int(c.fd), unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && errno != 0 {
		err = unix.Errno(errno)
	}
	if err != nil {
		return l.fail(c, os.NewSyscallError("connect", err))
	}
	c.dialing = false
	c.ready = r&readable != 0
	c.hungUp = r&hungUp != 0
	c.mu.Lock()
	c.full, c.arrived = false, l.tick
	c.attended = true
	c.mu.Unlock()
	return l.call(c, callData, nil) && l.read(c)
}

func endpointOfAddrPort(a netip.AddrPort) endpoint {
	e := endpoint{family: unix.AF_INET, port: a.Port()}
	if a.Addr().Is4() {
		ip := a.Addr().As4()
		copy(e.ip[:], ip[:])
		return e
	}
	e.family, e.ip = unix.AF_INET6, a.Addr().As16()
	return e
}

func sockaddrOf(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}
