package load

import (
	"bytes"
	"encoding/binary"
	"sync"

	"github.com/molva-ws/molva/wire"
)

// A partial is what has arrived of a frame, or of a message, that is not whole. A payload is compared as it comes and
// not kept.
type partial struct {
	head    []byte // of a frame's header, or of the response to the handshake
	control []byte // the payload of a control frame
	frame   wire.Header
	left    int64 // bytes of the frame that have yet to come; -1 while the header is not whole

	within     bool // a message has begun
	op         wire.Opcode
	compressed bool
	packed     []byte // the payload of a compressed message
	size       int    // bytes of the message so far
	tag        [tagSize]byte
	wrong      int // the offset of the first byte that is not as it should be, -1 if there is none
}

var partials = sync.Pool{New: func() any { return new(partial) }}

const keptPartial = 64 << 10

func newPartial() *partial {
	p := partials.Get().(*partial)
	p.left = -1
	return p
}

func (p *partial) free() {
	if p == nil {
		return
	}
	if cap(p.packed)+cap(p.head) > keptPartial {
		p.packed, p.head = nil, nil
	}
	*p = partial{head: p.head[:0], control: p.control[:0], packed: p.packed[:0], left: -1}
	partials.Put(p)
}

// take reads from p, which is not empty, and returns the rest.
func (c *conn) take(p []byte) []byte {
	if c.partial == nil {
		if p = c.takeWhole(p); len(p) == 0 {
			return nil
		}
		c.partial = newPartial()
	}
	m := c.partial
	if m.left < 0 {
		if p = c.takeHeader(p); m.left < 0 || c.over() {
			return p
		}
	}
	n := int(min(m.left, int64(len(p))))
	c.takePayload(p[:n])
	m.left -= int64(n)
	if m.left == 0 {
		c.frameEnds()
	}
	return p[n:]
}

// takeWhole takes the messages at the beginning of p that are whole and exactly as they should be: in one frame each,
// in order. It leaves everything else to take.
func (c *conn) takeWhole(p []byte) []byte {
	f := c.shard.fleet.format
	if c.shard.fleet.rooms != nil {
		return c.takeKnown(p)
	}
	if f == nil || f.tagLen < tagSize {
		return p
	}
	size, tail := len(f.response), f.outTag+tagSize
	for len(p) >= size {
		tag := binary.LittleEndian.Uint64(p[f.outTag:])
		if tag != tagOf(c.hears, c.next) || !bytes.Equal(p[:f.outTag], f.response[:f.outTag]) ||
			!bytes.Equal(p[tail:size], f.response[tail:]) || c.ahead() == 0 {
			return p
		}
		c.next++
		p = p[size:]
	}
	return p
}

// takeHeader gathers a header and judges it.
func (c *conn) takeHeader(p []byte) []byte {
	m := c.partial
	had := len(m.head)
	m.head = append(m.head, p[:min(len(p), wire.MaxHeaderSize-had)]...)
	h, size, err := wire.ParseHeader(m.head)
	if err != nil {
		c.broken("%v", err)
		return nil
	}
	if size == 0 {
		return nil
	}
	m.head = m.head[:0]
	m.frame, m.left = h, h.Length
	c.checkHeader(h)
	return p[size-had:]
}

// checkHeader checks what ParseHeader does not know.
func (c *conn) checkHeader(h wire.Header) {
	m, f := c.partial, c.shard.fleet
	continues := h.Opcode == wire.OpContinuation
	switch {
	case h.Masked != f.cfg.Raw:
		c.broken("a frame was masked")
	case h.RSV2 || h.RSV3 || h.RSV1 && (!f.cfg.Compress || continues || h.Opcode.IsControl()):
		c.broken("a reserved bit was set")
	case h.Opcode.IsControl():
		m.control = m.control[:0]
	case continues != m.within:
		c.broken("fragments in the wrong order: opcode %d", h.Opcode)
	case m.within:
	default:
		m.within, m.op, m.compressed = true, h.Opcode, h.RSV1
		m.size, m.wrong, m.packed = 0, -1, m.packed[:0]
	}
	if !h.Opcode.IsControl() && int64(m.size+len(m.packed))+h.Length > int64(f.largest)+mostOverhead {
		c.fault(Corrupt, c.next, "a frame of %d bytes where no message has more than %d", h.Length, f.largest)
		c.end(errBroken)
	}
}

// mostOverhead is by how much compression, or what is around it, may make a message larger.
const mostOverhead = 4 << 10

// broken ends a connection whose server does not speak the protocol.
func (c *conn) broken(format string, args ...any) {
	c.fault(BrokeRules, c.next, format, args...)
	c.end(errBroken)
}

// takePayload takes part of a frame's payload.
func (c *conn) takePayload(p []byte) {
	m := c.partial
	switch {
	case m.frame.Opcode.IsControl():
		m.control = append(m.control, p...)
	case m.compressed || c.shard.fleet.rooms != nil:
		m.packed = append(m.packed, p...)
	default:
		c.compare(p)
	}
}

// frameEnds acts on a frame that is whole.
func (c *conn) frameEnds() {
	m := c.partial
	m.left = -1
	switch {
	case c.over():
		return
	case m.frame.Opcode.IsControl():
		c.control(m.frame.Opcode, m.control)
	case m.frame.Fin:
		m.within = false
		c.payloadEnds()
	}
	if !m.within {
		c.partial = nil
		m.free()
	}
}

// payloadEnds compares what had to be whole for that, and has the message judged.
func (c *conn) payloadEnds() {
	m := c.partial
	whole, ok := m.packed, true
	if m.compressed {
		whole, ok = c.inflate()
	}
	switch {
	case ok && c.shard.fleet.rooms != nil:
		c.hear(whole)
		return
	case ok && m.compressed:
		c.compare(whole)
	}
	c.messageEnds()
}

// inflate returns what is in a compressed message.
func (c *conn) inflate() (message []byte, ok bool) {
	m, s := c.partial, c.shard
	var err error
	s.inflated, err = s.inflater.Append(s.inflated[:0], m.packed, s.fleet.largest+mostOverhead)
	if err != nil {
		c.fault(Corrupt, c.next, "%v", err)
		m.wrong = 0
	}
	return s.inflated, err == nil
}
