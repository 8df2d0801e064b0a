package loop

import (
	"context"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/molva-ws/molva/internal/buffer"
)

// Stream is the portable form of [Conn]: it works on any [net.Conn], and whoever wants its bytes lends it a goroutine:
// [Stream.Serve] until the end, [Stream.Each] and [Stream.Fill] for as long as they run. On a plain TCP or Unix
// socket it holds no buffer while it waits, and a message costs one system call to read and one to write.
type Stream struct {
	nc  net.Conn
	cfg *Config
	raw syscall.RawConn // nil unless nc is a plain socket, whose system calls we make ourselves

	reading sync.Mutex // held by the goroutine that reads
	reader  reader     // belongs to that goroutine

	mu       sync.Mutex
	queue    queue
	room     bell // is rung when the outbox may have room, or never will
	gate     gate
	writing  bool // a goroutine writes: nobody else may, nor discard the queue
	corked   bool
	held     bool        // backstop is set for what is held back
	backstop *time.Timer // ends a cork that lasts too long

	timer       instant // when Handler.Timer is due
	look        instant // when to read once more, see lookAgain
	interrupted bool    // Interrupt was called
	attended    bool    // somebody reads: he closes the socket, see release

	ended    bool    // nothing more is accepted for sending
	cut      bool    // Abort was called, or the socket failed: nothing more is written
	shut     bool    // the peer was told that nothing more will come
	linger   instant // when Finish loses its patience
	reason   error   // what ended the connection
	released bool    // the socket is closed
}

// NewStream returns a stream on nc, which it owns from now on. initial is what was read from nc already; the stream
// frees it. It may be nil.
func NewStream(nc net.Conn, cfg *Config, initial *buffer.Buffer) *Stream {
	s := &Stream{nc: nc, cfg: cfg, raw: plainSocket(nc)}
	s.reader.init(s, initial)
	return s
}

// NetConn returns the connection underneath. Nobody but the stream may read from it or write to it.
func (s *Stream) NetConn() net.Conn { return s.nc }

// LocalAddr returns the address of this end.
func (s *Stream) LocalAddr() net.Addr { return s.nc.LocalAddr() }

// RemoteAddr returns the address of the peer.
func (s *Stream) RemoteAddr() net.Addr { return s.nc.RemoteAddr() }

// Send implements [Conn].
func (s *Stream) Send(head Head, body []byte, p Priority) error {
	n := head.Size + len(body)
	s.mu.Lock()
	if err := s.admit(n, p); err != nil || n == 0 {
		s.mu.Unlock()
		return err
	}
	if len(body) >= directSize && s.raw != nil && !s.writing && s.queue.empty() {
		s.writing = true
		s.direct(head, body, p)
	} else {
		s.queue.add(head, body, p)
	}
	s.flush()
	s.mu.Unlock()
	return nil
}

// SendFrame implements [Conn].
func (s *Stream) SendFrame(f *Frame, p Priority) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(f.Bytes())
	if err := s.pass(p); err != nil || n == 0 || s.queue.replace(f, p, s.cfg) {
		return err
	}
	if err := s.queue.admit(n, p, s.cfg); err != nil {
		return err
	}
	s.queue.addFrame(f, p)
	s.flush()
	return nil
}

func (s *Stream) admit(n int, p Priority) error {
	if err := s.pass(p); err != nil {
		return err
	}
	return s.queue.admit(n, p, s.cfg)
}

// pass reports whether the connection takes messages of a priority at all.
func (s *Stream) pass(p Priority) error {
	if s.ended {
		return ErrClosed
	}
	return s.gate.check(p)
}

// Hold implements [Conn].
func (s *Stream) Hold(on bool) {
	s.mu.Lock()
	s.gate.hold(on)
	s.mu.Unlock()
}

// WaitRoom implements [Conn].
func (s *Stream) WaitRoom(ctx context.Context, n int) error {
	return waitFor(ctx, func() (<-chan struct{}, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		switch {
		case s.ended:
			return nil, ErrClosed
		case s.queue.fits(n, Normal, s.cfg):
			return nil, nil
		}
		s.startWriting()
		return s.room.wait(), nil
	})
}

// Drain blocks until everything queued has been handed to the system. It returns [ErrClosed] if the connection was
// cut before that, or the context's error.
func (s *Stream) Drain(ctx context.Context) error {
	return waitFor(ctx, func() (<-chan struct{}, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		switch {
		case s.cut:
			return nil, ErrClosed
		case s.queue.empty() && !s.writing:
			return nil, nil
		}
		s.startWriting()
		return s.room.wait(), nil
	})
}

// Queued implements [Conn].
func (s *Stream) Queued() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queue.size()
}

// Idle implements [Conn].
func (s *Stream) Idle() time.Duration {
	return now().sub(instant(s.reader.last.Load()))
}

// SetHandler implements [Conn].
func (s *Stream) SetHandler(h Handler) { s.reader.handler = h }

// SetTimer implements [Conn]. The timer runs only while somebody reads.
func (s *Stream) SetTimer(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	s.timer = 0
	if d > 0 {
		s.timer = now().after(d)
	}
	s.armLocked()
}

// armLocked sets the read deadline to the next thing that the reader must wake up for.
func (s *Stream) armLocked() {
	deadline := s.timer.sooner(s.look).sooner(s.linger).time()
	if s.interrupted || s.cut {
		deadline = past
	}
	s.nc.SetReadDeadline(deadline)
}

// past is a deadline that wakes whoever waits.
var past = time.Unix(1, 0)
