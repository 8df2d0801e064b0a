package load

import (
	"github.com/molva-ws/molva/internal/loop"
	"github.com/molva-ws/molva/wire"
)

// sendSingly sends the messages first to first+n-1, each made by itself.
func (c *conn) sendSingly(first uint32, n int) {
	f := c.shard.fleet
	for i := range uint32(n) {
		message := c.message(f.format.shape, first+i)
		if f.cfg.Compress {
			c.sendPacked(f.format.shape.op, message)
		} else {
			c.sendPart(f.format.shape.op, true, message)
		}
	}
}

// message returns what a message of ours consists of. It is valid until the next is made.
func (c *conn) message(look shape, sequence uint32) []byte {
	s := c.shard
	message := c.fill(s.fleet.template(look.op)[:look.size], sequence)
	if s.fleet.rooms == nil {
		return message
	}
	s.request = s.fleet.rooms.appendPublish(s.request[:0], c, message)
	return s.request
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

// sendPart sends a message, or a fragment of one.
func (c *conn) sendPart(op wire.Opcode, fin bool, payload []byte) {
	s := c.shard
	h := wire.Header{Fin: fin, Opcode: op, Masked: true, Key: s.fleet.key}
	s.frame = wire.AppendFrame(s.frame[:0], h, payload)
	c.sock.Send(loop.Head{}, s.frame, loop.Urgent)
}
