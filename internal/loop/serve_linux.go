package loop

import (
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
