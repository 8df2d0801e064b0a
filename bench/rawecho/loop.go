//go:build linux

package main

import (
	"errors"
	"net/netip"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/molva-ws/molva/bench/internal/netpoll"
)

// loop serves its share of the connections from one thread. Nothing is
// allocated per message; a connection is its descriptor and, while its peer
// does not read, the bytes that wait for it.
type loop struct {
	poller    *netpoll.Poller
	listener  int
	conns     []conn // by descriptor
	buf       []byte
	broadcast bool
}

type conn struct {
	open    bool
	waiting []byte // read, and not yet taken by the peer
}

func newLoop(addr netip.AddrPort, buffer int) (*loop, error) {
	listener, err := netpoll.Listen(addr)
	if err != nil {
		return nil, err
	}
	poller, err := netpoll.NewPoller(1024)
	if err != nil {
		return nil, err
	}
	if err := poller.AddListener(listener, int32(listener)); err != nil {
		return nil, err
	}
	return &loop{poller: poller, listener: listener, buf: make([]byte, buffer)}, nil
}

func (l *loop) run() error {
	runtime.LockOSThread()
	for {
		events, err := l.poller.Wait(-1)
		if err != nil {
			return err
		}
		for i := range events {
			fd := int(events[i].Fd)
			if fd == l.listener {
				if err := l.accept(); err != nil {
					return err
				}
				continue
			}
			if !l.serve(fd, events[i].Events&netpoll.Hangup != 0) {
				l.close(fd)
			}
		}
	}
}

func (l *loop) accept() error {
	for {
		fd, err := netpoll.Accept(l.listener)
		if errors.Is(err, netpoll.Again) {
			return nil
		}
		if errors.Is(err, unix.ECONNABORTED) {
			continue
		}
		if err != nil {
			return err
		}
		for len(l.conns) <= fd {
			l.conns = append(l.conns, conn{})
		}
		l.conns[fd] = conn{open: true}
		if err := l.poller.AddConn(fd, int32(fd)); err != nil {
			return err
		}
	}
}

func (l *loop) close(fd int) {
	if l.conns[fd].open {
		l.conns[fd] = conn{}
		netpoll.Close(fd)
	}
}

// serve echoes what has arrived and answers whether the connection lives on. A
// short read means drained, unless the peer has hung up: then the end of the
// stream comes after it without another event.
func (l *loop) serve(fd int, hangup bool) bool {
	c := &l.conns[fd]
	for {
		if len(c.waiting) > 0 && !c.flush(fd) {
			return false
		}
		if len(c.waiting) > 0 {
			return !hangup
		}
		n, errno := netpoll.Read(fd, l.buf)
		if errno == netpoll.Again {
			return true
		}
		if errno != 0 || n == 0 {
			return false
		}
		if l.broadcast {
			l.sendAll(l.buf[:n])
		} else if !c.send(fd, l.buf[:n]) {
			return false
		}
		if n < len(l.buf) && len(c.waiting) == 0 && !hangup {
			return true
		}
	}
}

func (l *loop) sendAll(b []byte) {
	for fd := range l.conns {
		c := &l.conns[fd]
		if c.open && !c.send(fd, b) {
			l.close(fd)
		}
	}
}

func (c *conn) send(fd int, b []byte) bool {
	if len(c.waiting) > 0 {
		c.waiting = append(c.waiting, b...)
		return true
	}
	n, errno := netpoll.Write(fd, b)
	if n < len(b) {
		c.waiting = append(c.waiting, b[n:]...)
	}
	return errno == 0 || errno == netpoll.Again
}

func (c *conn) flush(fd int) bool {
	n, errno := netpoll.Write(fd, c.waiting)
	c.waiting = c.waiting[n:]
	if len(c.waiting) == 0 {
		c.waiting = nil
	}
	return errno == 0 || errno == netpoll.Again
}
