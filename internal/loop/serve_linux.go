package loop

import (
	"io"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/molva-ws/molva/internal/buffer"
)

// enroll lets a new connection in.
func (l *eventLoop) enroll(c *sock) (mine bool) {
	l.socks.put(c)
	err := ErrShutdown
	if !l.stopping {
		err = l.poller.add(int(c.fd), c.token)
	}
	if err != nil {
		return l.fail(c, err)
	}
	c.mu.Lock()
	if c.dialing {
		c.mailed = false
		return l.attend(c)
	}
	c.mailed, c.attended, c.arrived = false, true, l.tick
	c.mu.Unlock()
	return l.call(c, callOpen, nil)
}

// fail ends a connection that cannot go on.
func (l *eventLoop) fail(c *sock, err error) (mine bool) {
	c.mu.Lock()
	c.abort(err)
	return l.attend(c)
}

// read reads from c once, if it may, and hands on what came.
func (l *eventLoop) read(c *sock) (mine bool) {
	if !c.ready || c.away || c.ended || c.fd < 0 {
		return true
	}
	space := l.readBuffer(c).Space()
	n, errno := readFD(c.fd, space)
	switch {
	case errno == unix.EAGAIN:
		c.ready = false
		return true
	case errno != 0:
		return l.fail(c, os.NewSyscallError("read", errno))
	case n == 0:
		return l.peerClosed(c)
	}
	l.counts.in += uint64(n)
	if n >= readSize {
		c.bulk = bulkReads
	} else if c.bulk > 0 {
		c.bulk--
	}
	// A short read has emptied the socket: whatever comes later is told as a new edge, the end of the stream excepted
	// that was told already.
	if n < len(space) && !c.hungUp {
		c.ready = false
	} else {
		l.readLater(c)
	}
	return l.deliver(c, space[:n])
}

// readBuffer returns the buffer to read from c into, which is lent to the callback then.
func (l *eventLoop) readBuffer(c *sock) *buffer.Buffer {
	l.lent = l.buf
	if c.bulk > 0 {
		if l.large == nil {
			l.large = buffer.Get(bulkSize)
		}
		l.lent = l.large
	}
	return l.lent
}

// replaceLent gives the loop another buffer for the one that a callback keeps.
func (l *eventLoop) replaceLent() {
	switch l.lent {
	case nil:
	case l.large:
		l.large = nil
	default:
		l.buf = buffer.Get(readSize)
	}
	l.lent = nil
}

// deliver gives bytes to the handler, or throws them away if the connection is ending.
func (l *eventLoop) deliver(c *sock, p []byte) (mine bool) {
	c.mu.Lock()
	c.arrived = l.tick
	if c.state == open {
		c.attended = true
		if c.queue.lend(l.spare) {
			l.spare = nil
		}
		c.mu.Unlock()
		return l.call(c, callData, p)
	}
	s := c.getStraits()
	if s.discard += uint32(len(p)); s.discard > maxDiscard {
		c.abort(nil)
	}
	return l.attend(c)
}

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

// nowWritable writes what had to wait for the socket to take more.
func (l *eventLoop) nowWritable(c *sock) (mine bool) {
	c.mu.Lock()
	c.full = false
	if c.parting == staying && c.straits != nil {
		c.straits.guard = 0
	}
	return l.attend(c)
}

// attend does for c whatever has become necessary: write, arm timers, go on after a callback, end. The lock is held on
// entry and released on return.
func (l *eventLoop) attend(c *sock) (mine bool) {
	c.attended = false
	if c.returned != notReturned {
		l.goOn(c)
	}
	l.flush(c)
	l.keep(c.queue.unused())
	if c.finishing() && c.queue.empty() && !c.writing {
		l.sent(c)
	}
	if c.state >= aborted {
		return l.close(c)
	}
	l.boundFinish(c)
	due := l.timerDue(c)
	l.wheel.schedule(c, l.alarmOf(c))
	c.mu.Unlock()
	if due {
		return l.call(c, callTimer, nil)
	}
	return true
}

// timerDue reports whether Handler.Timer is to be called now, and prepares for that. The lock is held.
func (l *eventLoop) timerDue(c *sock) bool {
	if c.timer == 0 || l.tick.before(c.timer) || c.away || c.state != open {
		return false
	}
	c.timer, c.attended = 0, true
	return true
}

// goOn takes up again what had to wait for a callback. The lock is held.
func (l *eventLoop) goOn(c *sock) {
	late := c.returned == returnedLate
	c.returned, c.away = notReturned, false
	if late {
		c.slow = slowCalls
	} else if c.slow > 0 {
		c.slow--
	}
	if c.ready {
		l.readLater(c)
	}
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

// alarmOf returns when the wheel is to give c back. A timer that is due during a callback waits for its return. The lock
// is held.
func (l *eventLoop) alarmOf(c *sock) tick {
	guard := l.guarded(c)
	if c.away && !l.tick.before(c.timer) {
		return guard
	}
	return sooner(c.timer, guard)
}

// boundFinish sees to it that Finish does not wait longer for a peer that takes nothing than for one that does not
// close. The lock is held.
func (l *eventLoop) boundFinish(c *sock) {
	if c.finishing() && c.full && c.parting == staying && c.inStraits().linger > 0 {
		c.parting = bounded
		c.straits.lingerFrom(l.tick)
	}
}

// guarded returns when to look after the peer, and begins to watch one that has stopped reading. The lock is held.
func (l *eventLoop) guarded(c *sock) tick {
	if c.full && c.parting != bounded && c.inStraits().guard == 0 {
		s := c.getStraits()
		s.guard = l.after(l.group.cfg.writeTimeout())
		s.unsent = unsent(c.fd)
	} else if !c.full && c.parting == staying && c.straits != nil {
		c.straits.guard = 0
	}
	return c.inStraits().guard
}

// expire looks what c was on the wheel for.
func (l *eventLoop) expire(c *sock) (mine bool) {
	c.mu.Lock()
	if guard := c.inStraits().guard; guard != 0 && !l.tick.before(guard) {
		l.guardExpired(c)
	}
	return l.attend(c)
}

// guardExpired cuts a connection whose peer does not do what it should. The lock is held.
func (l *eventLoop) guardExpired(c *sock) {
	c.straits.guard = 0
	switch {
	case c.parting != staying:
		c.abort(nil)
	case c.full && unsent(c.fd) == c.straits.unsent:
		// Nothing says that the peer will ever take what the kernel still holds: reset the connection.
		unix.SetsockoptLinger(int(c.fd), unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
		c.abort(ErrStalled)
	}
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

func readFD(fd int32, p []byte) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall(unix.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
		if errno == 0 {
			return int(n), 0
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
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

// unsent returns the number of bytes that the peer has not acknowledged.
func unsent(fd int32) uint32 {
	n, err := unix.IoctlGetInt(int(fd), unix.SIOCOUTQ)
	if err != nil {
		return 0
	}
	return uint32(n)
}
