package load

import (
	"fmt"
	"time"

	"github.com/molva-ws/molva/internal/loop"
	"github.com/molva-ws/molva/wire"
)

// leaveTime is how long a server may take to answer a close frame.
const leaveTime = 5 * time.Second

// control acts on a control frame.
func (c *conn) control(op wire.Opcode, payload []byte) {
	switch op {
	case wire.OpPing:
		c.sendFrame(wire.OpPong, payload)
	case wire.OpPong:
		c.pong(payload)
	case wire.OpClose:
		c.closeFrame(payload)
	}
}

// closeFrame is the server's.
func (c *conn) closeFrame(payload []byte) {
	code, reason, err := wire.ParseClose(payload)
	switch {
	case err != nil:
		c.broken("%v", err)
	case c.state == leaving:
		c.end(errWanted)
	case c.state == joining:
		c.end(refused("the server closed a connection before it was open: %v %s", code, reason))
	default:
		c.sendFrame(wire.OpClose, payload)
		if reason != "" {
			reason = fmt.Sprintf(" (%q)", reason)
		}
		c.state = lost
		c.sock.Finish(fmt.Errorf("%w with %v%s", errClosed, code, reason), time.Second)
	}
}

// leave begins the closing handshake.
func (c *conn) leave() {
	if c.shard.fleet.cfg.Raw {
		c.end(errWanted)
		return
	}
	c.state = leaving
	c.sendFrame(wire.OpClose, wire.AppendClose(nil, wire.NormalClosure, ""))
	c.sock.SetTimer(leaveTime)
}

func (c *conn) sendFrame(op wire.Opcode, payload []byte) {
	h := wire.Header{Fin: true, Opcode: op, Masked: true, Key: c.shard.fleet.key}
	var frame [wire.MaxHeaderSize + wire.MaxControlPayload]byte
	c.sock.Send(loop.Head{}, wire.AppendFrame(frame[:0], h, payload), loop.Urgent)
}
