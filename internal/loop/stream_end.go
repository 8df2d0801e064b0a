package loop

import (
	"context"
	"io"
	"time"

	"github.com/molva-ws/molva/internal/buffer"
)

// Err returns what ended the connection, nil while it is open.
func (s *Stream) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reason
}

// Finish implements [Conn]. If nobody reads, a goroutine does so until the linger time has passed.
func (s *Stream) Finish(err error, linger time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	s.ended, s.reason = true, err
	s.linger = time.Now().Add(linger)
	s.corked = false
	s.armLocked()
	s.startWriting()
	if !s.attended {
		go s.lingerOn()
	}
}

// lingerOn reads, and throws away, what the peer still sends.
func (s *Stream) lingerOn() {
	s.Abort(s.Each(func(b *buffer.Buffer) bool {
		b.Free()
		return true
	}))
}

// Abort implements [Conn].
func (s *Stream) Abort(err error) {
	s.mu.Lock()
	s.cutLocked(err)
	s.mu.Unlock()
	s.release()
}

// cutLocked ends the connection without sending what is queued, and wakes everybody who waits. The socket itself is
// closed by the reader when there is one: closing it waits for all who use it, and so must not be done by a handler
// that runs inside a read.
func (s *Stream) cutLocked(err error) {
	if s.cut {
		return
	}
	s.cut, s.ended = true, true
	if s.reason == nil {
		s.reason = err
	}
	if !s.writing {
		s.queue.discard()
	}
	s.queue.wake()
	s.nc.SetDeadline(past)
}

// readGrace is how long a timer that ran out while nobody read waits for the reading to catch up.
const readGrace = time.Second

// attend notes that the calling goroutine reads, and reports whether there is anything left to read from.
func (s *Stream) attend() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attended = !s.released
	if now := time.Now(); !s.timer.IsZero() && s.timer.Before(now) {
		// The timer ran out while nobody read. What has arrived meanwhile must be read before it counts.
		s.timer = now.Add(readGrace)
		s.armLocked()
	}
	return s.attended
}

func (s *Stream) leave() {
	s.mu.Lock()
	s.attended = false
	finishing := s.ended && !s.cut
	s.mu.Unlock()
	if finishing {
		go s.lingerOn()
		return
	}
	s.release()
}

// release closes the socket of a connection that was cut, once nobody reads from it.
func (s *Stream) release() {
	s.mu.Lock()
	closing := s.cut && !s.attended && !s.released
	s.released = s.released || closing
	s.mu.Unlock()
	if closing {
		s.nc.Close()
		s.reader.initial.Free()
		s.reader.initial = nil
	}
}

// readFailed ends the connection after reading has. A peer that closed its side after a Finish still gets what is
// queued, as long as the linger time lasts.
func (s *Stream) readFailed(err error) error {
	if err == io.EOF && s.finishing() {
		ctx, cancel := context.WithDeadline(context.Background(), s.linger)
		s.Drain(ctx)
		cancel()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cutLocked(err)
	return s.reason
}
