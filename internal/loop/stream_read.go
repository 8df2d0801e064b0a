package loop

import (
	"crypto/tls"
	"errors"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/molva-ws/molva/internal/buffer"
)

const (
	minRead = 4 << 10
	maxRead = 256 << 10

	// secondLook is how long the end of a stream may go unnoticed when it came right behind the last bytes.
	secondLook = time.Second / 2

	// maxDiscard bounds what Finish reads from a peer that goes on sending.
	maxDiscard = 16 << 20
)

// ErrInterrupted is returned by the reading methods after [Stream.Interrupt].
var ErrInterrupted = errors.New("reading was interrupted")

// reader is the state of the goroutine that reads from a stream.
type reader struct {
	handler  Handler
	initial  *buffer.Buffer
	onReady  func(fd uintptr) bool // Stream.readReady, bound once
	got      func(*buffer.Buffer) bool
	size     int            // of the next read
	filled   *buffer.Buffer // what Fill returns
	onFill   func(*buffer.Buffer) bool
	err      error // why reading ended
	unshaken error // the deadline that ended a TLS handshake, which cannot be taken up again
	stopped  bool  // got has had enough
	looking  bool  // a second look is due
	drained  bool  // the last read of the plain socket took all there was
	discards int
	last     atomic.Int64 // when bytes arrived, an instant
}

func (r *reader) init(s *Stream, initial *buffer.Buffer) {
	r.initial, r.size = initial, minRead
	r.last.Store(int64(now()))
	if s.raw != nil {
		r.onReady = s.readReady
	}
}

// Serve reads until the connection ends and calls h for what happens. Where h gives way to another Handler, that one
// goes on with a new goroutine: it does not inherit a stack that has grown.
func (s *Stream) Serve(h Handler) {
	s.reader.handler = h
	err := s.Each(s.deliver)
	switch {
	case s.detached():
	case err == nil:
		go s.Serve(s.reader.handler)
	default:
		s.Abort(err)
		s.reader.handler.Closed(s.Err())
	}
}

// deliver gives bytes to the handler and reports whether it is still the same.
func (s *Stream) deliver(b *buffer.Buffer) bool {
	h := s.reader.handler
	h.Data(b.Bytes())
	b.Free()
	return h == s.reader.handler && !s.detached()
}

// Each calls got with what arrives, a buffer at a time that got has to free, until got returns false. It returns nil
// then, and otherwise what ended the reading: [ErrInterrupted], the argument of Finish or Abort, [io.EOF] or the error
// of the socket. Between reads, got is called without giving up the wait on the socket, which saves a system call.
// When Each is called by several goroutines, one waits for the other.
func (s *Stream) Each(got func(*buffer.Buffer) bool) error {
	s.reading.Lock()
	defer s.reading.Unlock()
	return s.each(got)
}

func (s *Stream) each(got func(*buffer.Buffer) bool) error {
	r := &s.reader
	r.got, r.stopped = got, false
	defer func() { r.got = nil }()
	if !s.attend() {
		return s.Err()
	}
	defer s.leave()
	s.uncork()
	for {
		if err := s.attention(); err != nil {
			return err
		}
		if r.unshaken != nil {
			return s.readFailed(r.unshaken)
		}
		s.readMore()
		if r.stopped {
			return nil
		}
		if r.err != nil {
			return s.readFailed(r.err)
		}
	}
}

// Fill waits for bytes and returns them in a buffer that the caller has to free. It returns the errors of Each.
func (s *Stream) Fill() (*buffer.Buffer, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	r := &s.reader
	if r.onFill == nil {
		r.onFill = func(b *buffer.Buffer) bool {
			r.filled = b
			return false
		}
	}
	if err := s.each(r.onFill); err != nil {
		return nil, err
	}
	b := r.filled
	r.filled = nil
	return b, nil
}

// Interrupt makes the goroutine that waits for bytes, or the next one that would, return [ErrInterrupted].
func (s *Stream) Interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.interrupted = true
	s.armLocked()
}

// attention does what the read deadline was set for.
func (s *Stream) attention() error {
	s.mu.Lock()
	if s.interrupted {
		s.interrupted = false
		s.armLocked()
		if !s.ended {
			s.mu.Unlock()
			return ErrInterrupted
		}
	}
	now := now()
	if s.ended && s.linger <= now {
		s.cutLocked(s.reason)
	}
	if s.cut {
		defer s.mu.Unlock()
		return s.reason
	}
	if s.look.passed(now) {
		s.look, s.reader.looking = 0, false
		s.armLocked()
	}
	due := s.timer.passed(now)
	if due {
		if due = now.sub(s.timer) < overdue || s.reader.unshaken != nil; due {
			s.timer = 0
		} else {
			s.timer = now.after(readGrace) // the handler was busy when it ran out
		}
		s.armLocked()
	}
	s.mu.Unlock()
	if due && s.reader.handler != nil {
		s.reader.handler.Timer()
	}
	return nil
}

// readMore reads until got has had enough, the deadline passes or the connection ends.
func (s *Stream) readMore() {
	r := &s.reader
	if b := r.initial; b != nil {
		r.initial = nil
		if s.take(b); r.stopped {
			return
		}
	}
	var err error
	if s.raw != nil {
		err = s.raw.Read(r.onReady)
	} else {
		err = s.readBlocking()
	}
	switch {
	case err == nil:
	case !errors.Is(err, os.ErrDeadlineExceeded):
		r.err = err
	case s.Handshaking():
		r.unshaken = err
	}
}

// Handshaking reports whether a TLS handshake is not done, before which nothing can be sent. A deadline that passes in it
// fails every later read at once. It is not inlined: the state would lie on the stack of every goroutine that waits to
// read, and make it twice as large.
//
//go:noinline
func (s *Stream) Handshaking() bool {
	t, ok := s.nc.(*tls.Conn)
	return ok && !t.ConnectionState().HandshakeComplete
}

// readReady is called when the socket may have bytes. It returns false to wait for more, which looks at the deadline,
// too, and true to have each look at it, which a peer that never lets the socket run dry must not prevent.
func (s *Stream) readReady(fd uintptr) bool {
	r := &s.reader
	b := buffer.Get(r.size)
	n, err := readOnce(fd, b.Space())
	if err != nil {
		b.Free()
		if errors.Is(err, errWouldBlock) {
			return false
		}
		r.err = err
		return true
	}
	b.Commit(n)
	r.drained = n < b.Cap()
	r.adapt(n, b.Cap())
	if !s.take(b) || !r.drained {
		return true
	}
	s.lookAgain()
	return false
}

// lookAgain has the socket read once more a little later. A read that was not filled has taken all there was, so that
// another one now would be for nothing, nearly always: the end of the stream may have come with the last bytes, and
// would not be announced a second time.
func (s *Stream) lookAgain() {
	if s.reader.looking {
		return
	}
	s.reader.looking = true
	s.mu.Lock()
	defer s.mu.Unlock()
	s.look = now().after(secondLook)
	s.armLocked()
}

// readBlocking is for what is not a plain socket, such as TLS.
func (s *Stream) readBlocking() error {
	b := buffer.Get(minRead)
	n, err := s.nc.Read(b.Space())
	if n == 0 {
		b.Free()
		return err
	}
	b.Commit(n)
	s.take(b)
	return err
}

// adapt chooses the size of the next read: large for a peer that sends much at once.
func (r *reader) adapt(n, size int) {
	switch {
	case n == size:
		r.size = min(4*size, maxRead)
	case n < size/4:
		r.size = minRead
	}
}

// take hands b to got, or throws it away once the connection is finishing, and reports whether to wait for more. A
// connection that is finishing is read again at once: its end often comes right behind the last bytes.
func (s *Stream) take(b *buffer.Buffer) bool {
	r := &s.reader
	s.cfg.Traffic.read(s, b.Len())
	r.last.Store(int64(now()))
	if s.finishing() {
		r.discards += b.Len()
		b.Free()
		if r.discards > maxDiscard {
			r.err = io.EOF
		}
		return false
	}
	r.stopped = !r.got(b)
	if r.stopped {
		return false
	}
	return s.uncork()
}

func (s *Stream) finishing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}
