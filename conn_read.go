package molva

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"

	"github.com/molva-ws/molva/internal/buffer"
	"github.com/molva-ws/molva/internal/loop"
	"github.com/molva-ws/molva/wire"
)

// pull is the reading side of a connection without callbacks.
type pull struct {
	stream     *loop.Stream
	turn       chan struct{}  // holds a token while somebody reads; all below is his
	in         *buffer.Buffer // what arrived last
	held       wire.Event     // was decoded, and may not be delivered yet
	rest       []byte         // the part of it that is not decoded
	corked     bool
	message    *messageReader // is being read
	watched    <-chan struct{}
	unwatch    func() bool
	delivering atomic.Bool // a message is with the loop over Messages
}

// Read returns the next message. Its data is valid until the next call that reads. While it waits, pings are answered.
//
// Cancelling the context leaves the connection whole, and the next Read goes on where this one stopped. Read returns
// the context's error, [ErrCallbacks], or how the connection ended as a [*CloseError].
func (c *Conn) Read(ctx context.Context) (Message, error) {
	if err := c.takeTurn(ctx); err != nil {
		return Message{}, err
	}
	defer c.endTurn()
	if err := c.skipMessage(ctx); err != nil {
		return Message{}, err
	}
	ev, err := c.next(ctx)
	if err != nil {
		return Message{}, err
	}
	return Message{Type: Type(ev.Op), Data: ev.Payload}, nil
}

// Messages returns the messages as they come, each valid until the next, and at last the error that ended the loop, as
// Read does. It costs a system call less than Read for a message that comes alone. The loop's body must not call a method
// that reads from the same connection: it would wait for the loop.
func (c *Conn) Messages(ctx context.Context) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		if err := c.each(ctx, yield); err != nil {
			yield(Message{}, err)
		}
	}
}

// each yields messages until yield has had enough, for which it returns nil.
func (c *Conn) each(ctx context.Context, yield func(Message, error) bool) error {
	if err := c.takeTurn(ctx); err != nil {
		return err
	}
	defer c.endTurn()
	if err := c.skipMessage(ctx); err != nil {
		return err
	}
	var stop bool
	var failed error
	deliver := func() bool {
		stop, failed = c.deliver(ctx, yield)
		return !stop && failed == nil
	}
	for deliver() {
		c.awaitBytes(ctx)
		err := c.pull.stream.Each(func(b *buffer.Buffer) bool {
			failed = c.filled(ctx, b)
			return failed == nil && deliver()
		})
		if err = c.readError(ctx, err); err != nil {
			return err
		}
		if stop || failed != nil {
			break
		}
	}
	return failed
}

// deliver yields the messages that are decoded from what has arrived.
func (c *Conn) deliver(ctx context.Context, yield func(Message, error) bool) (stop bool, err error) {
	for {
		ev, err := c.decodePaced(ctx)
		if err != nil || ev.Op == 0 {
			return false, err
		}
		c.pull.delivering.Store(true)
		more := yield(Message{Type: Type(ev.Op), Data: ev.Payload}, nil)
		c.pull.delivering.Store(false)
		if !more {
			return true, nil
		}
	}
}

// next returns the next data event.
func (c *Conn) next(ctx context.Context) (wire.Event, error) {
	for {
		ev, err := c.decodePaced(ctx)
		if err != nil || ev.Op != 0 {
			return ev, err
		}
		c.awaitBytes(ctx)
		b, err := c.pull.stream.Fill()
		if err = c.readError(ctx, err); err != nil {
			return wire.Event{}, err
		}
		if b != nil {
			if err := c.filled(ctx, b); err != nil {
				return wire.Event{}, err
			}
		}
	}
}

// filled takes what has arrived.
func (c *Conn) filled(ctx context.Context, b *buffer.Buffer) error {
	c.pull.in.Free()
	c.pull.in, c.pull.rest = b, b.Bytes()
	return c.paceBytes(ctx, b.Len())
}

// decodePaced is decode, but waits until the event is within the peer's rate. When the context ends the wait, the next
// call returns the event. Where the rate is limited, what comes once this end is closing is dropped, as it is on a
// connection with callbacks.
func (c *Conn) decodePaced(ctx context.Context) (wire.Event, error) {
	p := c.pull
	for {
		ev, err := p.held, error(nil)
		if p.held = (wire.Event{}); ev.Op == 0 {
			ev, err = c.decode()
		}
		if err != nil || ev.Op == 0 {
			return ev, err
		}
		if ev.Fin {
			if err := c.paceMessage(ctx); err != nil {
				p.held = ev
				return wire.Event{}, err
			}
		}
		if c.throttle() == nil || c.closing.Load() == nil {
			c.countReceived(ev)
			return ev, nil
		}
	}
}

// countReceived counts a message, by its last piece.
func (c *Conn) countReceived(ev wire.Event) {
	if ev.Fin {
		c.set.counts.received(c, 1)
	}
}

// decode returns the next data event in what has arrived already; its Op is 0 if there is none. Control frames on the
// way are dealt with.
func (c *Conn) decode() (wire.Event, error) {
	p := c.pull
	for {
		if err := c.Err(); err != nil {
			return wire.Event{}, err
		}
		ev, rest, err := c.decoder.Next(p.rest)
		if err != nil {
			c.violated(err)
			return wire.Event{}, c.Err()
		}
		p.rest = rest
		if ev.Op == 0 {
			p.in.Free()
			p.in, p.corked = nil, false
			return ev, nil
		}
		if len(rest) > 0 && !p.corked {
			p.corked = true
			c.transport.Cork()
		}
		if !ev.Op.IsControl() {
			return ev, nil
		}
		c.control(ev, len(rest) > 0)
	}
}

// awaitBytes prepares for a wait that ends with the context.
func (c *Conn) awaitBytes(ctx context.Context) {
	p := c.pull
	if done := ctx.Done(); done != p.watched {
		c.stopWatching()
		if done != nil {
			p.watched, p.unwatch = done, context.AfterFunc(ctx, p.stream.Interrupt)
		}
	}
}

// stopWatching forgets the context of the last wait. It is kept until another one comes, because most use the same
// one for all their reads.
func (c *Conn) stopWatching() {
	if p := c.pull; p.unwatch != nil {
		p.unwatch()
		p.watched, p.unwatch = nil, nil
	}
}

// readError says what to make of an error of the stream: nothing, if it was woken for a context of the past.
func (c *Conn) readError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, loop.ErrInterrupted) {
		return ctx.Err()
	}
	c.end(err)
	c.stopWatching()
	return c.Err()
}

// takeTurn waits until nobody else reads.
func (c *Conn) takeTurn(ctx context.Context) error {
	if c.pull == nil {
		return ErrCallbacks
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case c.pull.turn <- struct{}{}:
		return nil
	default:
	}
	select {
	case c.pull.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-c.Done():
		return c.Err()
	}
}

func (c *Conn) endTurn() { <-c.pull.turn }

// drain reads and drops messages until the connection ends.
func (c *Conn) drain(ctx context.Context) error {
	if err := c.takeTurn(ctx); err != nil {
		return err
	}
	defer c.endTurn()
	// Another goroutine may still use the message that it has read last.
	c.decoder.Disown()
	c.pull.in = nil
	if err := c.skipMessage(ctx); err != nil {
		return err
	}
	for {
		if _, err := c.next(ctx); err != nil {
			return err
		}
	}
}
