package loop

import (
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// peerClosed ends a connection whose peer will send nothing more, though it may still read what is queued.
func (l *eventLoop) peerClosed(c *sock) (mine bool) {
	c.ended = true
	c.mu.Lock()
	if c.state == open {
		c.state = finishing
		c.getStraits().reason = io.EOF
		c.ring()
	}
	return l.attend(c)
}

// sent goes on with Finish when everything is sent. The lock is held.
func (l *eventLoop) sent(c *sock) {
	if c.ended || c.inStraits().linger == 0 || l.partsNow(c) {
		c.state = aborted
		return
	}
	if c.parting != shut {
		c.parting = shut
		unix.Shutdown(int(c.fd), unix.SHUT_WR)
		c.straits.lingerFrom(l.tick)
		l.readLater(c)
	}
}

// partsNow reports whether the socket of a peer that has said its last word can be closed without a reset, which would
// take what was sent last with it: the socket was read empty, and what was sent fitted into it. The lock is held.
func (l *eventLoop) partsNow(c *sock) bool {
	return c.state == agreed && c.parting == staying && !c.ready
}

// boundFinish sees to it that Finish does not wait longer for a peer that takes nothing than for one that does not
// close. The lock is held.
func (l *eventLoop) boundFinish(c *sock) {
	if c.finishing() && c.full && c.parting == staying && c.inStraits().linger > 0 {
		c.parting = bounded
		c.straits.lingerFrom(l.tick)
	}
}

// fail ends a connection that cannot go on.
func (l *eventLoop) fail(c *sock, err error) (mine bool) {
	c.mu.Lock()
	c.abort(err)
	return l.attend(c)
}

// close closes the socket and calls Handler.Closed, as soon as nobody writes and no callback runs. The lock is held on
// entry and released on return.
func (l *eventLoop) close(c *sock) (mine bool) {
	if c.writing || c.state == closed {
		c.mu.Unlock()
		return true
	}
	if c.fd >= 0 {
		l.forget(c)
	}
	if c.away {
		c.mu.Unlock() // whoever runs the callback calls Closed
		return true
	}
	gone := c.state == detached
	c.state = closed
	c.mu.Unlock()
	if gone {
		l.gone()
		return true
	}
	return l.call(c, callClosed, nil)
}

// forget closes the descriptor and takes c out of everything that the loop knows it by. The lock is held.
func (l *eventLoop) forget(c *sock) {
	if c.state == detached {
		l.poller.remove(int(c.fd))
	}
	l.wheel.cancel(c)
	l.socks.remove(c)
	unix.Close(int(c.fd))
	c.fd = -1
	c.queue.discard()
	c.ring()
}

// gone counts a connection out.
func (l *eventLoop) gone() {
	l.live.Add(-1)
	l.group.gone()
}

// socketError returns the error that the socket has met.
func socketError(fd int32) error {
	errno, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && errno != 0 {
		err = syscall.Errno(errno)
	}
	if err == nil {
		err = unix.ECONNRESET
	}
	return os.NewSyscallError("read", err)
}
