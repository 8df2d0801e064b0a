package molva

import (
	"errors"

	"github.com/molva-ws/molva/internal/loop"
	"github.com/molva-ws/molva/wire"
)

// events is a Conn as the floor below sees it: the protocol on top of its bytes. The methods run one at a time.
type events Conn

var _ loop.Handler = (*events)(nil)

// Data decodes what has arrived and calls OnMessage.
func (e *events) Data(p []byte) {
	c := (*Conn)(e)
	corked := false
	for c.closing.Load() == nil || c.pull == nil {
		ev, rest, err := c.decoder.Next(p)
		if err != nil {
			c.violated(err)
			return
		}
		if ev.Op == 0 {
			return
		}
		if p = rest; len(p) > 0 && !corked {
			corked = true
			c.transport.Cork()
		}
		switch {
		case ev.Op.IsControl():
			c.control(ev)
		case c.closing.Load() == nil:
			c.server.message(c, Message{Type: Type(ev.Op), Data: ev.Payload})
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
	c.decoder.Release()
	c.end(err)
}

// control does what a control frame asks for (RFC 6455 §5.5).
func (c *Conn) control(ev wire.Event) {
	switch ev.Op {
	case wire.OpPing:
		c.sendControl(wire.OpPong, ev.Payload) // what cannot be sent needs no pong
	case wire.OpPong:
		c.pong(ev.Payload)
	case wire.OpClose:
		c.peerClosed(ev.Payload)
	}
}

// peerClosed answers the peer's close frame, unless it is itself the answer, and ends the connection.
func (c *Conn) peerClosed(payload []byte) {
	code, reason, _ := wire.ParseClose(payload)
	c.finish(&CloseError{Code: code, Reason: reason, ByPeer: true})
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
	idle := int64(c.transport.Idle())
	wait := int64(c.set.pong - c.set.ping)
	sincePing := clock() - c.pinged.Load()
	switch pinged := c.pinged.Load() != 0 && idle >= sincePing; {
	case pinged && sincePing >= wait:
		c.transport.Abort(&CloseError{Code: CloseAbnormal, cause: ErrTimeout})
	case pinged:
		c.transport.SetTimer(c.set.pong - c.set.ping)
	case idle < int64(c.set.ping):
		c.transport.SetTimer(c.set.ping - c.transport.Idle())
	default:
		c.pinged.Store(clock())
		c.sendControl(wire.OpPing, nil)
		c.transport.SetTimer(max(c.set.pong-c.set.ping, c.set.ping/2))
	}
}

// startKeepalive sets the first timer.
func (c *Conn) startKeepalive() {
	if c.set.ping != forever {
		c.transport.SetTimer(c.set.ping)
	}
}
