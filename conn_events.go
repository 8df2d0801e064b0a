package molva

import (
	"context"
	"errors"
	"time"

	"github.com/molva-ws/molva/internal/loop"
	"github.com/molva-ws/molva/wire"
)

// events is a Conn as the floor below sees it: the protocol on top of its bytes. The methods run one at a time.
type events Conn

var _ loop.Handler = (*events)(nil)

// Data takes what has arrived.
func (e *events) Data(p []byte) {
	c := (*Conn)(e)
	if c.extra != nil {
		c.paceBytes(context.Background(), len(p))
	}
	c.set.counts.received(c, c.dispatch(p))
}

// dispatch decodes p, calls OnMessage for each message in it, and returns how many those were. A callback that panics
// ends it, and the connection.
func (c *Conn) dispatch(p []byte) (messages int) {
	corked := false
	defer c.set.server.recovered(c)
	decoder := c.takeDecoder()
	for {
		ev, rest, err := decoder.Next(p)
		if err != nil {
			c.violated(err)
			return messages
		}
		if ev.Op == 0 {
			c.leaveDecoder()
			return messages
		}
		if p = rest; len(p) > 0 && !corked {
			corked = true
			c.transport.Cork()
		}
		if ev.Op.IsControl() {
			c.control(ev, len(rest) > 0)
			continue
		}
		if c.extra != nil {
			c.paceMessage(context.Background())
		}
		if c.closing.Load() == nil {
			messages++
			c.set.server.message(c, Message{Type: Type(ev.Op), Data: ev.Payload})
		}
	}
}

// Timer keeps the connection alive, or gives it up.
func (e *events) Timer() { (*Conn)(e).keepAlive() }

// Closed is the end.
func (e *events) Closed(err error) {
	c := (*Conn)(e)
	if c.pull != nil {
		return
	}
	c.dropDecoder()
	c.end(err)
}

// control does what a control frame asks for (RFC 6455 §5.5). more says that bytes have come behind it.
func (c *Conn) control(ev wire.Event, more bool) {
	c.countControl()
	switch ev.Op {
	case wire.OpPing:
		c.sendControl(wire.OpPong, ev.Payload) // what cannot be sent needs no pong
	case wire.OpPong:
		c.pong(ev.Payload)
	case wire.OpClose:
		c.peerClosed(ev.Payload, more)
	}
}

// peerClosed answers the peer's close frame, unless it is itself the answer, and ends the connection. more says that
// bytes have come behind it.
func (c *Conn) peerClosed(payload []byte, more bool) {
	code, reason, _ := wire.ParseClose(payload)
	closing := &CloseError{Code: code, Reason: reason, ByPeer: true}
	if !more && c.closesFirst() {
		c.part(closing)
		return
	}
	c.finish(closing)
}

// closesFirst reports whether this end may close the socket without waiting for the peer, whose close frame has come:
// a server closes first (RFC 6455 §7.1.1), unless the peer may still have a pong to send.
func (c *Conn) closesFirst() bool {
	return c.role == wire.Server && c.throttle() == nil && !c.awaitsPong()
}

// violated ends the connection for what the peer did wrong.
func (c *Conn) violated(err error) {
	closing := &CloseError{Code: CloseProtocolError, cause: err}
	var violation *wire.Error
	if errors.As(err, &violation) {
		closing.Code, closing.Reason = violation.Code, violation.Reason
	}
	c.finish(closing)
}

// keepAlive pings a silent peer and gives up one that does not answer. Once a close frame was sent it is the bound on
// the closing handshake.
func (c *Conn) keepAlive() {
	if closing := c.closing.Load(); closing != nil {
		c.transport.Abort(&CloseError{Code: closing.Code, Reason: closing.Reason, cause: ErrTimeout})
		return
	}
	next := c.checkPeer()
	if next == 0 {
		c.transport.Abort(&CloseError{Code: CloseAbnormal, cause: ErrTimeout})
		return
	}
	c.transport.SetTimer(next)
	if c.closing.Load() != nil {
		c.transport.SetTimer(c.set.close) // a Close came meanwhile
	}
}

// checkPeer pings the peer if it has been silent for long. It returns the time until the next look, 0 if the peer has
// not answered the last ping in time.
func (c *Conn) checkPeer() time.Duration {
	idle := c.transport.Idle()
	if idle < c.set.ping {
		return c.set.ping - idle
	}
	if c.transport.Queued() > 0 {
		return c.set.ping // a ping would wait behind that; a peer that takes nothing is found by Timeouts.Write
	}
	answer := max(c.set.pong-c.set.ping, c.set.ping/2)
	if pinged := c.pinged.Load(); pinged != 0 {
		sincePing := time.Duration(clock() - pinged)
		// The silence began a whole Timeouts.Ping before the ping: idle may be as coarse as a loop's ticks.
		switch answered := idle < sincePing+c.set.ping/2; {
		case !answered && sincePing >= answer:
			return 0
		case !answered:
			return answer - sincePing
		}
	}
	c.pinged.Store(clock())
	c.sendControl(wire.OpPing, nil)
	return min(answer, c.set.ping)
}

// startKeepalive sets the first timer. Nobody else may know the connection yet: it would undo the timer of a Close.
func (c *Conn) startKeepalive() {
	if c.set.ping != forever {
		c.transport.SetTimer(c.set.ping)
	}
}
