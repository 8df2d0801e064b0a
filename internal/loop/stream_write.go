package loop

import (
	"errors"
	"os"
	"time"

	"github.com/molva-ws/molva/internal/buffer"
)

const (
	// directSize is from where on copying a message into the outbox costs more than a second slice in the system
	// call: it is written from the caller's memory.
	directSize = 8 << 10

	// maxCork bounds how long messages are held back for others to join them.
	maxCork = time.Millisecond

	// maxBlockingWrite is what one Write on a connection that is no plain socket may carry: it returns when all of it
	// is written, and a slow peer that takes some bytes all the time must get it done within the write timeout.
	// It is the content of the largest TLS record.
	maxBlockingWrite = 16 << 10
)

// Cork implements [Conn]. It ends when the reader asks for more bytes.
func (s *Stream) Cork() {
	s.mu.Lock()
	s.corked = true
	s.mu.Unlock()
}

// uncork lets go what was held back, and reports whether the connection goes on.
func (s *Stream) uncork() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.corked {
		return !s.ended
	}
	s.corked = false
	if s.held {
		s.held = false
		s.backstop.Stop()
	}
	s.startWriting()
	return !s.ended
}

// flush sends what is queued, now or, while corked, a little later. The lock is held.
func (s *Stream) flush() {
	switch {
	case !s.corked:
		s.startWriting()
	case s.held:
	case s.backstop == nil:
		s.held = true
		s.backstop = time.AfterFunc(s.cfg.corkTime(), s.uncorkLate)
	default:
		s.held = true
		s.backstop.Reset(s.cfg.corkTime())
	}
}

// uncorkLate is for a handler that takes its time.
func (s *Stream) uncorkLate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = false
	s.startWriting()
}

// startWriting writes what is queued unless somebody does so already. The lock is held, though not while the system
// writes.
func (s *Stream) startWriting() {
	if s.writing || s.cut || s.queue.empty() {
		s.finishWriting()
		return
	}
	s.writing = true
	if s.raw == nil {
		go s.writeAll()
		return
	}
	s.writeSome()
}

// writeSome writes until nothing is left or the socket takes no more; then a goroutine waits for it. The lock is held,
// and writing is true.
func (s *Stream) writeSome() {
	for range 4 {
		slices := s.takeUp()
		if slices == nil {
			break
		}
		s.mu.Unlock()
		n, err := s.writeOnce(slices)
		s.mu.Lock()
		if !s.wrote(n, err) {
			break
		}
	}
	if s.queue.empty() || s.cut {
		s.writing = false
		s.finishWriting()
		return
	}
	go s.writeAll()
}

// wrote notes what came of a write and reports whether the socket may take more at once.
func (s *Stream) wrote(n int, err error) bool {
	s.cfg.Traffic.wrote(s, n)
	if n > 0 {
		if o := s.queue.wrote(n); o != nil {
			o.free()
		}
		s.room.ring()
	}
	if err == nil {
		return true
	}
	if !errors.Is(err, errWouldBlock) {
		s.writeFailed(err)
	}
	return false
}

// writeFailed ends the connection. The lock is held.
func (s *Stream) writeFailed(err error) {
	s.cutLocked(err)
	if !s.attended {
		go s.release() // nobody reads who would do it
	}
}

// direct writes one message from the caller's memory and queues what the socket did not take. The queue is empty, the
// lock is held, and writing is true; it is false afterwards.
func (s *Stream) direct(head Head, body []byte, p Priority) {
	o := outboxes.Get().(*outbox) // for its memory
	if o.own == nil {
		o.own = buffer.Get(maxHead)
	}
	head.put(o.own.Room(maxHead))
	o.own.Commit(head.Size)
	o.slices = append(o.slices[:0], o.own.Bytes(), body)
	s.mu.Unlock()
	n, err := s.writeOnce(o.slices)
	o.free()
	s.cfg.Traffic.wrote(s, n)
	if p.counts() {
		s.cfg.Traffic.took(s, 1)
	}
	s.mu.Lock()
	s.writing = false
	if err != nil && !errors.Is(err, errWouldBlock) {
		s.writeFailed(err)
		return
	}
	if n < head.Size+len(body) {
		skip := min(n, head.Size)
		s.queue.addFirst(head.skip(skip), body[n-skip:])
	}
}

// writeAll writes until nothing is left, waiting for the socket as long as the peer takes something now and then. It
// runs in a goroutine of its own, which ends when the queue is empty.
func (s *Stream) writeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		slices := s.takeUp()
		if slices == nil {
			break
		}
		s.nc.SetWriteDeadline(time.Now().Add(s.cfg.writeTimeout()))
		s.mu.Unlock()
		n, err := s.writeWaiting(slices)
		s.mu.Lock()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = ErrStalled
			if n > 0 {
				err = nil
			}
		}
		s.wrote(n, err)
	}
	if !s.cut {
		s.nc.SetWriteDeadline(time.Time{}) // what is written without waiting would fail by it
	}
	s.writing = false
	s.finishWriting()
}

// writeWaiting writes some of the slices, at least one byte unless it fails.
func (s *Stream) writeWaiting(slices [][]byte) (int, error) {
	if s.raw != nil {
		return s.writeWhenReady(slices)
	}
	p := slices[0]
	return s.nc.Write(p[:min(len(p), maxBlockingWrite)])
}

// rest puts down what the socket does not take, so that it counts again where older messages make room for newer ones.
func (s *Stream) rest() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue.rest()
	s.queue.trim(s.cfg)
}

// resume is takeUp after a rest, without the lock.
func (s *Stream) resume() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.takeUp()
}

// takeUp returns what is to be written next, and counts its messages. It returns nil if there is nothing. The lock is
// held.
func (s *Stream) takeUp() [][]byte {
	o := s.queue.take()
	if o == nil || s.cut {
		return nil
	}
	s.cfg.Traffic.took(s, o.takeCounted())
	return o.next()
}

// finishWriting does what had to wait for the queue to empty. The lock is held.
func (s *Stream) finishWriting() {
	if s.writing {
		return
	}
	s.room.ring()
	if s.cut {
		s.queue.discard()
		return
	}
	if s.ended && s.queue.empty() {
		s.closeWrite()
	}
}

// closeWrite tells the peer that nothing more will come. A connection that has no way to close one direction only is
// closed whole soon: peers wait for it.
func (s *Stream) closeWrite() {
	if s.shut || s.released {
		return
	}
	s.shut = true
	c, ok := s.nc.(interface{ CloseWrite() error })
	switch {
	case !ok:
		if soon := now().after(wholeLinger); soon < s.linger {
			s.linger = soon
			s.armLocked()
		}
	case s.raw != nil:
		c.CloseWrite()
	default:
		go c.CloseWrite() // TLS says goodbye first, and may have to wait for that
	}
}
