package loop

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A vector is what one system call writes.
type vector [maxSlices]unix.Iovec

// maxWrites bounds how often one connection is written to before others have their turn.
const maxWrites = 4

// spareBytes bounds the memory of the outbox that a loop lends to callbacks: the answers to what was read at once should
// find room in it.
const spareBytes = 2 * readSize

// flush writes what is queued for as long as the socket takes it. The lock is held, though not while the system
// writes.
func (l *eventLoop) flush(c *sock) {
	for range maxWrites {
		if c.writing || c.full || c.state >= aborted {
			return
		}
		o := c.queue.take()
		if o == nil {
			return
		}
		l.counts.messages += uint64(o.takeCounted())
		fd := c.fd
		c.writing = true
		c.mu.Unlock()
		n, short, errno := l.iov.write(fd, o)
		l.counts.out += uint64(n)
		c.mu.Lock()
		c.writing = false
		if errno != 0 && errno != unix.EAGAIN {
			c.abort(os.NewSyscallError("write", errno))
			return
		}
		// A short write has filled the socket (epoll(7)); its next edge comes to this goroutine, so none is missed.
		c.full = short
		if n > 0 {
			l.keep(c.queue.wrote(n))
			c.ring()
		}
		c.queue.rest()
		c.queue.trim(c.config())
	}
	if !c.queue.empty() && !c.full && !c.mailed {
		c.mailed = true
		l.post(c)
	}
}

// keep makes o, an outbox that nobody needs any more, the one that callbacks are lent. It may be nil.
func (l *eventLoop) keep(o *outbox) {
	switch {
	case o == nil:
	case l.spare == nil:
		o.reset(spareBytes)
		l.spare = o
	default:
		o.free()
	}
}

// write writes as much as it can of the first pieces of o. short says that the socket takes no more.
func (v *vector) write(fd int32, o *outbox) (n int, short bool, errno syscall.Errno) {
	slices := o.next()
	total := 0
	for _, s := range slices {
		total += len(s)
	}
	if len(slices) == 1 {
		n, errno = writeFDOnce(unix.SYS_WRITE, fd, unsafe.Pointer(&slices[0][0]), len(slices[0]))
	} else {
		for i, s := range slices {
			v[i].Base = &s[0]
			v[i].SetLen(len(s))
		}
		n, errno = writeFDOnce(unix.SYS_WRITEV, fd, unsafe.Pointer(v), len(slices))
		clear(v[:len(slices)])
	}
	return n, n < total, errno
}

// writeTwo writes head and body, of which only head may be empty.
func writeTwo(fd int32, head, body []byte) (int, syscall.Errno) {
	if len(head) == 0 {
		return writeFDOnce(unix.SYS_WRITE, fd, unsafe.Pointer(&body[0]), len(body))
	}
	iov := [2]unix.Iovec{{Base: &head[0]}, {Base: &body[0]}}
	iov[0].SetLen(len(head))
	iov[1].SetLen(len(body))
	return writeFDOnce(unix.SYS_WRITEV, fd, unsafe.Pointer(&iov), 2)
}

// writeFDOnce makes the system call, again if a signal came between. It does not block, and so is not announced to the
// scheduler.
func writeFDOnce(trap uintptr, fd int32, p unsafe.Pointer, count int) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall(trap, uintptr(fd), uintptr(p), uintptr(count))
		if errno == 0 {
			return int(n), 0
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}
