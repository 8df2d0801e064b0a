package wire

import "encoding/binary"

// plain is the short way for what most peers send most of the time: a message in one frame, not compressed, of less
// than 64 KiB, that has come whole. It returns the message and the size of its frame; 0, without having changed
// anything, if p begins with anything else or something is not as it should be. The long way then finds out.
func (d *Decoder) plain(p []byte) (ev Event, size int) {
	if len(p) < 2 || d.inFrame || d.headLen > 0 || d.message != 0 || d.closed || d.streaming || d.err != nil {
		return ev, 0
	}
	const text, bin = bitFin | byte(OpText), bitFin | byte(OpBinary)
	if p[0] != text && p[0] != bin || p[1]&bitMask != d.maskBit() {
		return ev, 0
	}
	start, n := 2, int(p[1]&^bitMask)
	if n == length16 && len(p) >= 4 {
		start, n = 4, int(binary.BigEndian.Uint16(p[2:]))
		if n < length16 {
			return ev, 0
		}
	} else if n >= length16 {
		return ev, 0
	}
	var key uint32
	if d.role == Server {
		if len(p) < start+4 {
			return ev, 0
		}
		key = binary.LittleEndian.Uint32(p[start:])
		start += 4
	}
	size = start + n
	if len(p) < size || !d.limits.allow(n) {
		return ev, 0
	}
	payload := p[start:size:size]
	if key != 0 {
		Mask(payload, key)
	}
	if p[0] == text && !ValidUTF8(payload) {
		Mask(payload, key)
		return ev, 0
	}
	return Event{Op: Opcode(p[0] &^ bitFin), Payload: payload, Fin: true}, size
}

// maskBit is what the peer must have in that place of a header (RFC 6455 §5.1).
func (d *Decoder) maskBit() byte {
	if d.role == Server {
		return bitMask
	}
	return 0
}

// allow reports whether a message of one frame and n bytes is within the limits.
func (l *Limits) allow(n int) bool {
	if frame := l.frame(); frame > 0 && int64(n) > frame {
		return false
	}
	message := l.message()
	return message < 0 || int64(n) <= message
}
