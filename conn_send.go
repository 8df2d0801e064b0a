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
	err := c.send(m, c.set.slow.priority())
	if err != nil {
		c.refused(err, c.set.slow)
	}
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
			return err
		}
		if err := c.waitRoom(ctx, len(m.Data)); err != nil {
			return err
		}
	}
}

// waitRoom waits until a message of n bytes is likely to be admitted.
func (c *Conn) waitRoom(ctx context.Context, n int) error {
	c.order.Lock()
	open := c.streaming
	c.order.Unlock()
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

// send sends a message, at once where it does not matter what others send at the same time.
func (c *Conn) send(m Message, p loop.Priority) error {
	if !m.valid() {
		return ErrType
	}
	if c.closing.Load() != nil {
		return ErrClosed
	}
	switch {
	case !c.compresses(m):
		err := c.sendFrame(wire.Fin|wire.FirstByte(m.Type), m.Data, p)
		if err != loop.ErrHeld {
			return err
		}
	case !c.extra.takeover:
		err := c.sendDeflated(m, p)
		if err != loop.ErrHeld {
			return err
		}
	}
	return c.sendInOrder(m, p)
}

// sendInOrder sends a message that must not pass others: because the deflater keeps context, or a Writer is open.
func (c *Conn) sendInOrder(m Message, p loop.Priority) error {
	c.order.Lock()
	defer c.order.Unlock()
	if c.closing.Load() != nil {
		return ErrClosed
	}
	if c.streaming != nil {
		err := c.postpone(m)
		c.countUnless(err)
		return err
	}
	if !c.compresses(m) || !c.extra.takeover {
		return c.sendWhole(m, p)
	}
	if !c.fits(len(m.Data)) {
		return ErrBufferFull
	}
	err := c.sendWhole(m, loop.Urgent)
	c.countUnless(err)
	return err
}

// countUnless counts a message that the transport does not count, unless it failed.
func (c *Conn) countUnless(err error) {
	if err == nil {
		c.set.counts.sent(c)
	}
}

// sendWhole sends a message as one frame. The order is held if the deflater keeps context; p must be urgent then, as what
// is compressed with context must be sent, or the peer loses the thread.
func (c *Conn) sendWhole(m Message, p loop.Priority) error {
	if c.compresses(m) {
		return c.sendDeflated(m, p)
	}
	return c.sendFrame(wire.Fin|wire.FirstByte(m.Type), m.Data, p)
}

// compresses reports whether m is worth compressing on this connection.
func (c *Conn) compresses(m Message) bool {
	return c.extra != nil && c.extra.deflater != nil && len(m.Data) >= c.set.compression.MinSize
}

func (c *Conn) sendDeflated(m Message, p loop.Priority) error {
	deflated := buffer.Get(len(m.Data))
	defer deflated.Free()
	data, err := c.extra.deflater.Append(deflated.Bytes(), m.Data)
	if err != nil {
		return err
	}
	deflated.Set(data)
	return c.sendFrame(wire.Fin|wire.RSV1|wire.FirstByte(m.Type), data, p)
}

// fits reports whether a message of n bytes is likely to be admitted to the outbox.
func (c *Conn) fits(n int) bool {
	queued := c.transport.Queued()
	return queued == 0 || queued+n+wire.MaxHeaderSize <= c.set.outboxLimit()
}

// sendFrame sends one frame. A server's payload goes as it is, a client's is masked in a copy.
func (c *Conn) sendFrame(first wire.FirstByte, payload []byte, p loop.Priority) error {
	if c.role == wire.Client {
		return c.sendMasked(first, payload, p)
	}
	return sendError(c.transport.Send(loop.Head(first.Pack(len(payload))), payload, p))
}

func (c *Conn) sendMasked(first wire.FirstByte, payload []byte, p loop.Priority) error {
	key := wire.NewKey()
	masked := buffer.Get(len(payload))
	defer masked.Free()
	body := masked.Bytes()[:len(payload)]
	wire.MaskCopy(body, payload, key)
	return sendError(c.transport.Send(loop.Head(first.PackMasked(len(payload), key)), body, p))
}

// sendControl sends a control frame. A pong is left out when the outbox is full: it is only a reply, and a peer that
// pings without reading must not make it grow.
func (c *Conn) sendControl(op wire.Opcode, payload []byte) error {
	if c.closing.Load() != nil {
		return ErrClosed
	}
	return c.sendFrame(wire.Fin|wire.FirstByte(op), payload, loop.Through)
}

// refused applies a policy to a peer that does not read, where err says that its outbox is full.
func (c *Conn) refused(err error, slow SlowPolicy) {
	switch {
	case err != ErrBufferFull:
	case slow != SlowClose:
		c.set.counts.refuseMessage()
	default:
		c.finish(&CloseError{Code: ClosePolicyViolation, Reason: "too slow: outbox is full", cause: ErrBufferFull})
	}
}
