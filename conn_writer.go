package molva

import (
	"context"
	"errors"
	"io"

	"github.com/molva-ws/molva/internal/loop"
	"github.com/molva-ws/molva/wire"
)

// ErrWriterOpen is returned by Writer while another one is open on the same connection.
var ErrWriterOpen = errors.New("molva: another writer is open")

// Writer returns a writer for a message whose size is not known yet. Each Write sends a fragment and waits for room
// in the outbox; Close ends the message. Until then other messages wait, and count against the outbox's limit. The
// context governs the writer's Write and Close. Writer returns [ErrWriterOpen], [ErrClosed] or [ErrType]. What is
// written is not compressed.
func (c *Conn) Writer(ctx context.Context, t Type) (io.WriteCloser, error) {
	if !(Message{Type: t}).valid() {
		return nil, ErrType
	}
	c.order.Lock()
	defer c.order.Unlock()
	switch {
	case c.closing.Load() != nil:
		return nil, ErrClosed
	case c.streaming != nil:
		return nil, ErrWriterOpen
	}
	c.streaming = &streaming{done: make(chan struct{})}
	c.transport.Hold(true)
	return &messageWriter{conn: c, ctx: ctx, op: wire.Opcode(t)}, nil
}

// streaming is what a connection has while a Writer is open. It comes and goes under order.
type streaming struct {
	done     chan struct{} // closed at the end
	deferred []Message     // what was sent meanwhile
	size     int           // what deferred counts against the outbox's limit
}

// messageWriter sends one message in fragments.
type messageWriter struct {
	conn   *Conn
	ctx    context.Context
	op     wire.Opcode // of the next frame
	closed bool
}

// Write sends p as a fragment.
func (w *messageWriter) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := w.send(p, false); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close sends the last fragment and what had to wait for it. A message that is given up half-way, because the context
// is done, cannot be repaired: the connection is cut.
func (w *messageWriter) Close() error {
	if w.closed {
		return nil
	}
	err := w.send(nil, true)
	w.closed = true
	w.conn.countUnless(err)
	if err != nil && w.op == wire.OpContinuation {
		w.conn.CloseNow()
	}
	w.conn.resume()
	return err
}

// send waits for room and sends a fragment.
func (w *messageWriter) send(p []byte, fin bool) error {
	if w.closed {
		return ErrClosed
	}
	for {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		err := w.sendFragment(p, fin)
		if err != ErrBufferFull {
			return err
		}
		if err := w.conn.transport.WaitRoom(w.ctx, len(p)+wire.MaxHeaderSize); err != nil {
			return sendError(err)
		}
	}
}

func (w *messageWriter) sendFragment(p []byte, fin bool) error {
	c := w.conn
	if c.closing.Load() != nil {
		return ErrClosed
	}
	first := wire.FirstByte(w.op)
	if fin {
		first |= wire.Fin
	}
	err := c.sendFrame(first, p, loop.Through)
	if err == nil {
		w.op = wire.OpContinuation
	}
	return err
}

// postpone keeps a message that must not come between the fragments of another one. The order is held.
func (c *Conn) postpone(m Message) error {
	s := c.streaming
	size := len(m.Data) + postponedCost
	if s.size > 0 && c.transport.Queued()+s.size+size > c.set.outboxLimit() {
		return ErrBufferFull
	}
	s.deferred = append(s.deferred, m.Clone())
	s.size += size
	return nil
}

// postponedCost is counted with every message that is postponed, for its header and the place in memory.
const postponedCost = 48

// resume sends what was postponed, before anything that is sent from now on. It was admitted when it was postponed.
func (c *Conn) resume() {
	c.order.Lock()
	defer c.order.Unlock()
	s := c.streaming
	c.streaming = nil
	close(s.done)
	for _, m := range s.deferred {
		if c.closing.Load() != nil || c.sendWhole(m, loop.Urgent) != nil {
			break
		}
	}
	c.transport.Hold(false)
}
