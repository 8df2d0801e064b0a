//go:build unix

package loop

import (
	"io"
	"net"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// errWouldBlock says that the socket has nothing to read or takes no more for now.
const errWouldBlock = syscall.EAGAIN

// plainSocket returns access to the descriptor of nc if reading and writing it needs nothing else.
func plainSocket(nc net.Conn) syscall.RawConn {
	switch nc.(type) {
	case *net.TCPConn, *net.UnixConn:
		raw, err := nc.(syscall.Conn).SyscallConn()
		if err != nil {
			return nil
		}
		return raw
	}
	return nil
}

// readOnce reads without waiting. It returns io.EOF when the peer has closed its side.
func readOnce(fd uintptr, p []byte) (int, error) {
	for {
		n, err := readSocket(int(fd), p)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// writeReady writes the slices, or the first of them, in one system call, without waiting.
func writeReady(fd uintptr, slices [][]byte) (int, error) {
	for {
		n, err := writeSocket(int(fd), slices)
		if err != unix.EINTR {
			return max(n, 0), err
		}
	}
}

// A writer is lent to the goroutine that writes to a stream, for one write. Its two functions are bound once, so that
// a write allocates nothing.
type writer struct {
	once   func(fd uintptr) bool
	ready  func(fd uintptr) bool
	stream *Stream // for ready
	slices [][]byte
	rested bool // the slices were put down
	n      int
	err    error
}

var writers = sync.Pool{New: func() any {
	w := new(writer)
	w.once = func(fd uintptr) bool {
		w.n, w.err = writeReady(fd, w.slices)
		return true
	}
	w.ready = w.writeOrRest
	return w
}}

// writeOnce writes what the socket takes at once; the error is errWouldBlock when that is nothing.
func (s *Stream) writeOnce(slices [][]byte) (int, error) {
	w := writers.Get().(*writer)
	defer writers.Put(w)
	return w.write(s.raw, slices, w.once)
}

// writeWhenReady writes what the socket takes as soon as it takes something. That may be other messages than the slices
// by then, if these were dropped while it waited, and nothing if there are none.
func (s *Stream) writeWhenReady(slices [][]byte) (int, error) {
	w := writers.Get().(*writer)
	defer writers.Put(w)
	w.stream, w.rested = s, false
	defer func() { w.stream = nil }()
	n, err := w.write(s.raw, slices, w.ready)
	if n > 0 && err == errWouldBlock {
		err = nil
	}
	return n, err
}

// writeOrRest writes what the socket takes. If that is nothing, it puts the slices down, and reports that it wants to be
// called when the socket takes something.
func (w *writer) writeOrRest(fd uintptr) bool {
	if w.rested {
		w.rested = false
		if w.slices = w.stream.resume(); w.slices == nil {
			w.err = nil
			return true
		}
	}
	w.once(fd)
	if w.n > 0 || w.err != errWouldBlock {
		return true
	}
	w.stream.rest()
	w.rested = true
	return false
}

func (w *writer) write(raw syscall.RawConn, slices [][]byte, f func(fd uintptr) bool) (int, error) {
	w.slices, w.n, w.err = slices, 0, nil
	err := raw.Write(f)
	w.slices = nil
	if err != nil {
		return w.n, err
	}
	return w.n, w.err
}
