package molva

import (
	"context"
	"errors"
	"time"

	"github.com/molva-ws/molva/internal/loop"
	"github.com/molva-ws/molva/internal/ratelimit"
)

// ErrTooFast is the cause in a [*CloseError] when the peer has sent faster than Limits allows.
var ErrTooFast = errors.New("molva: peer sends too fast")

// FastPolicy says what becomes of a connection whose peer sends faster than Limits.Messages or Limits.Bytes allow.
type FastPolicy uint8

const (
	// FastPause reads nothing more from the peer until it is within its rate again, which it feels through TCP. What
	// it has sent by then is not lost. A connection that pauses costs a goroutine meanwhile, and its pings wait, too.
	FastPause FastPolicy = iota
	// FastClose closes the connection with 1008.
	FastClose
)

// throttle is how much one connection has used up of its rates. It belongs to the goroutine that reads.
type throttle struct {
	messages ratelimit.Bucket
	bytes    ratelimit.Bucket
}

// rates is what throttles are held against. It does not change, but may be replaced by another.
type rates struct {
	messages ratelimit.Limit
	bytes    ratelimit.Limit
	policy   FastPolicy
}

func newRates(l Limits) *rates {
	return &rates{
		messages: ratelimit.PerSecond(l.Messages, int64(l.MessageBurst)),
		bytes:    ratelimit.PerSecond(l.Bytes, l.ByteBurst),
		policy:   l.Fast,
	}
}

// newThrottle returns nil unless there is a rate to keep.
func (r *rates) newThrottle() *throttle {
	if r.messages.IsZero() && r.bytes.IsZero() {
		return nil
	}
	full := ratelimit.Bucket(clock())
	return &throttle{messages: full, bytes: full}
}

// throttle returns nil unless the peer's rate is limited.
func (c *Conn) throttle() *throttle {
	if c.extra == nil {
		return nil
	}
	return c.extra.throttle
}

// paceBytes is called with the number of bytes that have arrived, before they are decoded. It waits until those before
// them are within the rate. It returns the context's error; that the connection has ended is for others to find.
func (c *Conn) paceBytes(ctx context.Context, n int) error {
	t := c.throttle()
	if t == nil || n == 0 {
		return nil
	}
	return c.pace(ctx, &t.bytes, c.set.rates.Load().bytes, n)
}

// paceMessage is called for each message, before it is delivered.
func (c *Conn) paceMessage(ctx context.Context) error {
	t := c.throttle()
	if t == nil {
		return nil
	}
	return c.pace(ctx, &t.messages, c.set.rates.Load().messages, 1)
}

// countControl counts a control frame as a message. It is answered at once; the next message waits for it.
func (c *Conn) countControl() {
	if t := c.throttle(); t != nil {
		t.messages.Take(c.set.rates.Load().messages, clock(), 1)
	}
}

func (c *Conn) pace(ctx context.Context, b *ratelimit.Bucket, l ratelimit.Limit, n int) error {
	wait := b.Wait(l, clock())
	switch {
	case wait == 0 || c.closing.Load() != nil:
	case c.set.rates.Load().policy == FastClose:
		c.finish(&CloseError{Code: ClosePolicyViolation, Reason: "too many messages or bytes in a second", cause: ErrTooFast})
	default:
		if err := c.pause(ctx, wait); err != nil {
			return err
		}
	}
	b.Take(l, clock(), int64(n))
	return nil
}

// pauseStep is how long it may take until a pause notices that the connection has ended.
const pauseStep = 250 * time.Millisecond

// pause waits, but not longer than the connection is open. It returns the context's error.
func (c *Conn) pause(ctx context.Context, wait time.Duration) error {
	c.set.counts.pause()
	defer c.pinged.Store(0) // the pong may be among what was not read
	end := time.Now().Add(wait)
	timer := time.NewTimer(min(wait, pauseStep))
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		left := time.Until(end)
		if left <= 0 || c.closing.Load() != nil || c.transport.Send(loop.Head{}, nil, loop.Through) != nil {
			return nil
		}
		timer.Reset(min(left, pauseStep))
	}
}
