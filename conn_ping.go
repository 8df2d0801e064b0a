package molva

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/molva-ws/molva/wire"
)

// pings are the pings that wait for their pong.
type pings struct {
	last    uint64
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

// pong wakes the one whose ping it answers. A pong that nobody asked for means nothing (RFC 6455 §5.5.3).
func (c *Conn) pong(payload []byte) {
	if len(payload) != 8 {
		return
	}
	id := binary.BigEndian.Uint64(payload)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.later == nil || c.later.pings == nil {
		return
	}
	waiting := c.later.pings.waiting
	if ponged, ok := waiting[id]; ok {
		delete(waiting, id)
		close(ponged)
	}
}
