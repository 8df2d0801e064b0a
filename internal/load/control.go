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

// sendCompressed sends the messages first to first+n-1, each compressed by itself.
func (c *conn) sendCompressed(first uint32, n int) {
	s, f := c.shard, c.shard.fleet
	for i := range uint32(n) {
		message := c.fill(f.template(f.format.shape.op)[:f.format.shape.size], first+i)
		c.sendPacked(f.format.shape.op, message)
	}
	s.packed = s.packed[:0]
}

// fill puts the tag of a message into the shard's scratch copy of it.
func (c *conn) fill(template []byte, sequence uint32) []byte {
	s := c.shard
	s.message = append(s.message[:0], template...)
	tag := tagOf(c.id, sequence)
	for i := range min(len(template), tagSize) {
		s.message[i] = byte(tag >> (8 * i))
	}
	return s.message
}

// sendPacked sends a message in one compressed frame.
func (c *conn) sendPacked(op wire.Opcode, message []byte) {
	s := c.shard
	var err error
	if s.packed, err = s.deflater.Append(s.packed[:0], message); err != nil {
		s.fleet.fail(err)
		return
	}
	h := wire.Header{Fin: true, RSV1: true, Opcode: op, Masked: true, Key: s.fleet.key}
	s.frame = wire.AppendFrame(s.frame[:0], h, s.packed)
	c.sock.Send(loop.Head{}, s.frame, loop.Urgent)
}
