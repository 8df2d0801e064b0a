package molva

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/molva-ws/molva/wire"
)

// pings are the pings that wait for their pong.
type pings struct {
	last    uint64 // that was sent
	ponged  uint64 // the last of those that were answered
	waiting map[uint64]chan struct{}
}

// Ping sends a ping and returns the time until its pong has come (RFC 6455 §5.5.2). Somebody has to read from the
// connection meanwhile, as callbacks, Messages and CloseRead do. It returns the context's error, or how the connection
// ended.
func (c *Conn) Ping(ctx context.Context) (time.Duration, error) {
	id, ponged := c.awaitPong()
	defer c.forgetPing(id)
	start := time.Now()
	if err := c.sendPing(ctx, binary.BigEndian.AppendUint64(nil, id)); err != nil {
		return 0, err
	}
	select {
	case <-ponged:
		return time.Since(start), nil
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-c.Done():
		return 0, c.Err()
	}
}

// sendPing waits for room in the outbox if there is none.
func (c *Conn) sendPing(ctx context.Context, payload []byte) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := c.sendControl(wire.OpPing, payload)
		if err != ErrBufferFull {
			return err
		}
		if err := c.transport.WaitRoom(ctx, len(payload)+wire.MaxHeaderSize); err != nil {
			return sendError(err)
		}
	}
}

func (c *Conn) awaitPong() (uint64, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.turns()
	if l.pings == nil {
		l.pings = &pings{waiting: make(map[uint64]chan struct{})}
	}
	l.pings.last++
	ponged := make(chan struct{})
	l.pings.waiting[l.pings.last] = ponged
	return l.pings.last, ponged
}

func (c *Conn) forgetPing(id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.later.pings.waiting, id)
}

// awaitsPong reports whether a ping, of the keepalive or of Ping, was not answered yet.
func (c *Conn) awaitsPong() bool {
	if c.pinged.Load() != 0 {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.later != nil && c.later.pings != nil && c.later.pings.last != c.later.pings.ponged
}

// pong wakes the one whose ping it answers. A pong that nobody asked for means nothing (RFC 6455 §5.5.3).
func (c *Conn) pong(payload []byte) {
	switch len(payload) {
	case 0:
		c.pinged.Store(0) // is the keepalive's
		return
	case 8:
	default:
		return
	}
	id := binary.BigEndian.Uint64(payload)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.later == nil || c.later.pings == nil {
		return
	}
	c.later.pings.pong(id)
}

// pong notes that a ping was answered, and so are those before it (RFC 6455 §5.5.3).
func (p *pings) pong(id uint64) {
	if id <= p.last {
		p.ponged = max(p.ponged, id)
	}
	if ponged, ok := p.waiting[id]; ok {
		delete(p.waiting, id)
		close(ponged)
	}
}
