package molva

import (
	"context"

	"github.com/molva-ws/molva/internal/buffer"
	"github.com/molva-ws/molva/internal/loop"
	"github.com/molva-ws/molva/wire"
)

// Send sends a message without ever blocking: what the socket does not take at once waits in the outbox. The message
// belongs to the caller again when Send returns. It returns [ErrBufferFull] when the outbox has no room, [ErrClosed]
// or [ErrType].
func (c *Conn) Send(m Message) error {
	err := c.send(m, c.set.priority())
	c.sent(err)
	return err
}

// Write sends a message and waits for room in the outbox if there is none, or while a Writer is open. It returns as
// soon as the message is in the outbox; it may be waiting there still. It returns the context's error, [ErrClosed] or
// [ErrType].
func (c *Conn) Write(ctx context.Context, m Message) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := c.send(m, loop.Normal)
		if err != ErrBufferFull {
			c.sent(err)
			return err
		}
		if err := c.waitRoom(ctx, len(m.Data)); err != nil {
			return err
		}
	}
}

// waitRoom waits until a message of n bytes is likely to be admitted.
func (c *Conn) waitRoom(ctx context.Context, n int) error {
	c.order.RLock()
	open := c.streaming
	c.order.RUnlock()
	if open == nil {
		return sendError(c.transport.WaitRoom(ctx, n+n>>overheadShift+wire.MaxHeaderSize+deflateOverhead))
	}
	select {
	case <-open.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-c.Done():
		return ErrClosed
	}
}

// Data that does not compress grows by 6 bytes and 5 for every 24 KiB.
const (
	deflateOverhead = 11
	overheadShift   = 12
)

func (c *Conn) send(m Message, p loop.Priority) error {
	if !m.valid() {
		return ErrType
	}
	if c.compresses(m) && c.takeover {
		c.order.Lock()
		defer c.order.Unlock()
	} else {
		c.order.RLock()
		defer c.order.RUnlock()
	}
	if c.closing.Load() != nil {
		return ErrClosed
	}
	if c.streaming != nil {
		return c.postpone(m)
	}
	return c.sendOrdered(m, p)
}

// sendOrdered sends a message as one frame. The order is held, alone if the deflater keeps context.
func (c *Conn) sendOrdered(m Message, p loop.Priority) error {
	h := wire.Header{Fin: true, Opcode: wire.Opcode(m.Type)}
	if c.compresses(m) {
		return c.sendCompressed(h, m.Data, p)
	}
	return c.sendFrame(h, m.Data, p)
}

// compresses reports whether m is worth compressing on this connection.
func (c *Conn) compresses(m Message) bool {
	return c.deflater != nil && len(m.Data) >= c.set.compression.MinSize
}

func (c *Conn) sendCompressed(h wire.Header, payload []byte, p loop.Priority) error {
	if c.takeover {
		if p != loop.Urgent && !c.fits(len(payload)) {
			return ErrBufferFull
		}
		p = loop.Urgent // what is compressed with context must be sent, or the peer loses the thread
	}
	deflated := buffer.Get(len(payload))
	defer deflated.Free()
	data, err := c.deflater.Append(deflated.Bytes(), payload)
	if err != nil {
		return err
	}
	deflated.Set(data)
	h.RSV1 = true
	return c.sendFrame(h, data, p)
}

// fits reports whether a message of n bytes is likely to be admitted to the outbox.
func (c *Conn) fits(n int) bool {
	queued := c.transport.Queued()
	return queued == 0 || queued+n+wire.MaxHeaderSize <= c.set.outboxLimit()
}

// sendFrame sends one frame. A server's payload goes as it is, a client's is masked in a copy.
func (c *Conn) sendFrame(h wire.Header, payload []byte, p loop.Priority) error {
	h.Length = int64(len(payload))
	if c.role == wire.Server {
		head := buffer.Get(wire.MaxHeaderSize)
		defer head.Free()
		return sendError(c.transport.Send(wire.AppendHeader(head.Bytes(), h), payload, p))
	}
	h.Masked, h.Key = true, wire.NewKey()
	masked := buffer.Get(wire.MaxHeaderSize + len(payload))
	defer masked.Free()
	frame := wire.AppendHeader(masked.Bytes(), h)
	size := len(frame)
	frame = frame[:size+len(payload)]
	wire.MaskCopy(frame[size:], payload, h.Key)
	return sendError(c.transport.Send(frame[:size], frame[size:], p))
}

// sendControl sends a control frame. A pong is left out when the outbox is full: it is only a reply, and a peer that
// pings without reading must not make it grow.
func (c *Conn) sendControl(op wire.Opcode, payload []byte) error {
	c.order.RLock()
	defer c.order.RUnlock()
	if c.closing.Load() != nil {
		return ErrClosed
	}
	return c.sendFrame(wire.Header{Fin: true, Opcode: op}, payload, loop.Normal)
}

// sent notes what came of sending a message, and applies the policy to a peer that does not read.
func (c *Conn) sent(err error) {
	switch {
	case err == nil:
		c.set.counts.sent(c)
	case err != ErrBufferFull:
	case c.set.slow != SlowClose:
		c.set.counts.refuseMessage()
	default:
		c.finish(&CloseError{Code: ClosePolicyViolation, Reason: "too slow: outbox is full", cause: ErrBufferFull})
	}
}
