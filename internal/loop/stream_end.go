package loop

import (
	"cmp"
	"context"
	"io"
	"net"
	"time"

	"github.com/molva-ws/molva/internal/buffer"
)

// Err returns what ended the connection, nil while it is open.
func (s *Stream) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reason
}

// Finish implements [Conn]; nil stands for [ErrClosed]. If nobody reads, a goroutine does so until the linger time has
// passed.
func (s *Stream) Finish(err error, linger time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	s.ended, s.reason = true, cmp.Or(err, ErrClosed)
	s.linger = now().after(linger)
	s.timer = 0
	s.corked = false
	s.room.ring() // a write that waits for the peer would do that only once it is done
	s.armLocked()
	s.startWriting()
	if !s.attended {
		go s.lingerOn()
	}
}

// Part implements [Conn].
func (s *Stream) Part(err error, linger time.Duration) {
	if s.partNow(err) {
		s.release()
		return
	}
	s.Finish(err, linger)
}

// partNow cuts the connection if nothing can be lost by that: everything is sent, and nothing left to read, for the
// socket would be reset otherwise. What is no plain socket may hold bytes that nobody knows of.
func (s *Stream) partNow(err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || !s.reader.drained {
		return false
	}
	s.reason = err
	s.corked = false
	s.startWriting()
	if s.cut || s.writing || !s.queue.empty() {
		return false
	}
	s.cutLocked(err)
	return true
}

// Detach gives the socket up, with nothing in the outbox. Only Handler.Data may call it; no other call follows, and the
// stream is of no more use. It returns [ErrClosed].
func (s *Stream) Detach() (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || !s.queue.empty() {
		return nil, ErrClosed
	}
	s.ended, s.released, s.reason = true, true, ErrClosed
	s.timer = 0
	s.armLocked()
	return s.nc, nil
}

// detached reports whether Detach was called.
func (s *Stream) detached() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.released && !s.cut
}

// wholeLinger is how long Finish waits for the peer on a connection of which it cannot close one side.
const wholeLinger = 250 * time.Millisecond

// lingerOn reads, and throws away, what the peer still sends.
func (s *Stream) lingerOn() {
	s.Abort(s.Each(func(b *buffer.Buffer) bool {
		b.Free()
		return true
	}))
}

// Abort implements [Conn]; nil stands for [ErrClosed].
func (s *Stream) Abort(err error) {
	s.mu.Lock()
	s.cutLocked(err)
	if s.attended && s.raw != nil {
		s.closeWrite() // a handler may keep the reader for long; the peer need not wait for that
	}
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
		s.reason = cmp.Or(err, ErrClosed)
	}
	if !s.writing {
		s.queue.discard()
	}
	s.room.ring()
	s.nc.SetDeadline(past)
}

const (
	// readGrace is how long a timer that ran out while nobody read waits for the reading to catch up.
	readGrace = time.Second
	// overdue is how late a timer must be noticed to tell that nobody was waiting for it.
	overdue = 20 * time.Millisecond
)

// attend notes that the calling goroutine reads, and reports whether there is anything left to read from.
func (s *Stream) attend() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attended = !s.released
	if now := now(); s.timer.passed(now) {
		// The timer ran out while nobody read. What has arrived meanwhile must be read before it counts.
		s.timer = now.after(readGrace)
		s.armLocked()
	}
	return s.attended
}

func (s *Stream) leave() {
	s.mu.Lock()
	s.attended = false
	finishing := s.ended && !s.cut && !s.released
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
		ctx, cancel := context.WithDeadline(context.Background(), s.linger.time())
		s.Drain(ctx)
		cancel()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cutLocked(err)
	return s.reason
}
