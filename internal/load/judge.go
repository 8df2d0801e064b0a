package load

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/molva-ws/molva/wire"
)

// compare compares the next bytes of a message with what they should be: the same for all messages, but for the tag.
func (c *conn) compare(p []byte) {
	m := c.partial
	if m.size < tagSize {
		n := copy(m.tag[m.size:], p)
		m.size, p = m.size+n, p[n:]
	}
	if len(p) == 0 {
		return
	}
	want := c.shard.fleet.template(m.op)
	if end := m.size + len(p); m.wrong < 0 && (end > len(want) || !bytes.Equal(p, want[m.size:end])) {
		m.wrong = m.size
		for i := range p {
			if m.size+i >= len(want) || p[i] != want[m.size+i] {
				m.wrong += i
				break
			}
		}
	}
	m.size += len(p)
}

// messageEnds finds out which message has come and whether it is as it was sent. It reports whether it is, and the one
// that had to come.
func (c *conn) messageEnds() (well bool) {
	m, f := c.partial, c.shard.fleet
	source, sequence, known := c.identify()
	switch {
	case !known:
		c.fault(Corrupt, c.next, "its number cannot be read: %s", c.foreign(m.tag[:min(m.size, tagSize)]))
		c.passOver()
		return false
	case source != c.hears && int(source) < len(f.conns):
		c.fault(Misdelivered, sequence, "it is connection %d's", source)
		return false
	case source != c.hears:
		c.fault(Corrupt, c.next, "it says to be connection %d's, which there is not", source)
		c.passOver()
		return false
	}
	switch want := f.shapeOf(source, sequence); {
	case m.op != want.op:
		c.fault(Corrupt, sequence, "it came as %v and not as %v", opName(m.op), opName(want.op))
	case m.size != want.size:
		c.fault(Corrupt, sequence, "it came with %d bytes and not %d", m.size, want.size)
	case m.wrong >= 0:
		c.fault(Corrupt, sequence, "byte %d of %d is wrong", m.wrong, m.size)
	default:
		well = sequence == c.next
	}
	c.order(sequence, int32(sequence-c.next))
	return well
}

// foreign shows the beginning of a message that is none of ours.
func (c *conn) foreign(start []byte) string {
	c.shard.fleet.strangers.Add(1)
	for _, b := range start {
		if b < ' ' || b > '~' {
			return fmt.Sprintf("% x", start)
		}
	}
	return fmt.Sprintf("it begins with %s", start)
}

// passOver counts the next message as come, though badly.
func (c *conn) passOver() {
	if c.ahead() > 0 {
		c.next++
	}
}

// identify reads the tag. Of the message's number only some bits are there: it is the one next to what has to come.
func (c *conn) identify() (source, sequence uint32, ok bool) {
	m := c.partial
	have := min(m.size, tagSize)
	expected := tagOf(c.hears, c.next)
	var tag [tagSize]byte
	binary.LittleEndian.PutUint64(tag[:], expected)
	copy(tag[:have], m.tag[:have])
	source, low, ok := readTag(binary.LittleEndian.Uint64(tag[:]))
	bits := min(6*have, sequenceBits)
	if bits == 0 {
		return source, c.next, ok
	}
	distance := int32((low-c.next)<<(32-bits)) >> (32 - bits)
	return source, c.next + uint32(distance), ok
}

func opName(op wire.Opcode) string {
	if op == wire.OpText {
		return "text"
	}
	return "binary"
}
