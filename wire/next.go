package wire

import (
	"encoding/binary"
	"math/bits"
)

// maxPlain is the longest payload that the short way knows.
const maxPlain = 1<<16 - 1

// Next reads from p up to the end of the first event and returns what follows it. An event with Op 0 means that all
// of p was taken and more is needed; call Next again until then, even if nothing follows, as it takes back the memory
// of the event before. Next unmasks in place and so changes p. After an error, which is always an [*Error], and after
// a close frame it takes no more bytes: it returns the same error, or no event.
func (d *Decoder) Next(p []byte) (ev Event, rest []byte, err error) {
	// This is the short way for what most peers send most of the time: a message in one frame, not compressed, of at
	// most maxPlain bytes, that has come whole. Everything else goes the long way, in calls that end this function, so
	// that it keeps what it knows in registers.
	if d.busy || len(p) < 8 {
		return d.next(p)
	}
	f := binary.LittleEndian.Uint64(p)
	start, end, key := 2, int(byte(f>>8)^d.maskBit()), uint32(f>>16)
	if end >= length16 {
		if end != length16 {
			return d.next(p)
		}
		start, end, key = 4, int(bits.ReverseBytes16(uint16(f>>16))), uint32(f>>32)
		if end < length16 {
			return d.next(p)
		}
	}
	op := Opcode(byte(f) ^ bitFin)
	if op-OpText > OpBinary-OpText || d.strict && !d.limits.allow(end) {
		return d.next(p)
	}
	if d.role == Server {
		start += 4
	} else {
		key = 0
	}
	if end += start; end > len(p) {
		return d.next(p)
	}
	payload, rest := p[start:end:end], p[end:]
	switch {
	case key == 0:
	case len(payload) > maskShortMax:
		maskLong(payload, payload, key)
	default:
		Mask(payload, key)
	}
	if op == OpText && !ValidUTF8(payload) {
		d.fail(errInvalidUTF8)
		return Event{}, nil, d.err
	}
	return Event{Op: op, Payload: payload, Fin: true}, rest, nil
}

// next is the long way.
func (d *Decoder) next(p []byte) (ev Event, rest []byte, err error) {
	d.reclaim()
	defer d.settle()
	for d.err == nil && !d.closed && (len(p) > 0 || d.inFrame && d.left == 0) {
		if !d.inFrame {
			p = d.header(p)
			continue
		}
		if d.op.IsControl() {
			ev, p = d.controlPayload(p)
		} else {
			ev, p = d.dataPayload(p)
		}
		if ev.Op != 0 {
			return ev, p, nil
		}
	}
	if d.err != nil {
		return Event{}, nil, d.err
	}
	return Event{}, nil, nil
}

// settle notes whether the short way is open. It is called when what that depends on may have changed.
func (d *Decoder) settle() {
	d.busy = d.inFrame || d.headLen > 0 || d.message != 0 || d.closed || d.streaming || d.lent != nil || d.err != nil
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
