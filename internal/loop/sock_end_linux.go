package loop

import (
	"errors"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// errQueued says that a connection cannot be detached while messages wait in its outbox.
var errQueued = errors.New("messages are still queued")

// finishing reports whether what is queued is being sent before the end. The lock is held.
func (c *sock) finishing() bool { return c.state == finishing || c.state == agreed }

// Finish implements [Conn].
func (c *sock) Finish(err error, linger time.Duration) { c.finish(finishing, err, linger) }

// Part implements [Conn].
func (c *sock) Part(err error, linger time.Duration) { c.finish(agreed, err, linger) }

// finish begins to end the connection in good order: to is finishing or agreed.
func (c *sock) finish(to state, err error, linger time.Duration) {
	c.mu.Lock()
	if c.state != open {
		c.mu.Unlock()
		return
	}
	c.state = to
	s := c.getStraits()
	s.reason = err
	if linger > 0 {
		s.linger = tick(0).after(linger)
	}
	c.ring()
	c.unlock(true)
}

// Abort implements [Conn].
func (c *sock) Abort(err error) {
	c.mu.Lock()
	if c.state >= aborted {
		c.mu.Unlock()
		return
	}
	c.abort(err)
	c.unlock(true)
}

// abort does what can be done without the loop. The lock is held.
func (c *sock) abort(err error) {
	if c.state == open && err != nil {
		c.getStraits().reason = err
	}
	c.state = max(c.state, aborted)
	c.ring()
}

// Detach hands the socket over to the caller and makes the loop forget it; Closed will not be called. Only Data may
// call it, and only while nothing is queued. Bytes given to Data belong to the connection's past: the new owner does
// not see them again. It returns [ErrClosed], or an error of the system; the connection goes on then.
func (c *sock) Detach() (net.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.state != open:
		return nil, ErrClosed
	case c.writing || !c.queue.empty():
		return nil, errQueued
	}
	fd, err := unix.FcntlInt(uintptr(c.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("dup", err)
	}
	f := os.NewFile(uintptr(fd), "socket")
	defer f.Close()
	nc, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	c.state = detached
	c.ring()
	return nc, nil
}
