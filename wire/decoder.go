package wire

import (
	"errors"

	"github.com/molva-ws/molva/internal/buffer"
)

// An Event is what a [Decoder] made of the bytes it was given.
type Event struct {
	// Payload is the message, the piece of one, or the payload of the control frame, unmasked and inflated. It lies
	// in the bytes given to Next or in the decoder's memory, and is valid until the next call of Next or Release.
	Payload []byte
	// Op is OpText or OpBinary for a message, whatever frames it came in, OpPing, OpPong or OpClose for a control
	// frame, and 0 when there is no event: the decoder needs more bytes. The payload of an OpClose event has passed
	// [ParseClose].
	Op Opcode
	// Fin is true unless Payload is a piece of a message that goes on; see [Decoder.SetStreaming].
	Fin bool
}

// Limits bounds what a peer may make a [Decoder] hold. They are applied to the lengths that frame headers declare,
// before a byte of payload is kept.
type Limits struct {
	Message   int64 // bytes in a message, before and after inflating; 0 means 1 MiB, negative no limit
	Frame     int64 // bytes in a frame; 0 and negative mean no limit but Message
	Fragments int   // frames in a message; 0 means 1,024, negative no limit
}

const (
	defaultMaxMessage   = 1 << 20
	defaultMaxFragments = 1024
)

func (l *Limits) message() int64 {
	if l == nil || l.Message == 0 {
		return defaultMaxMessage
	}
	return l.Message
}

func (l *Limits) frame() int64 {
	if l == nil {
		return 0
	}
	return l.Frame
}

func (l *Limits) fragments() int {
	if l == nil || l.Fragments == 0 {
		return defaultMaxFragments
	}
	return l.Fragments
}

// A Decoder reads frames from bytes that arrive cut anywhere. One goroutine at a time may use it. Between messages it
// holds no memory beside itself. The zero value is a server's decoder with the default limits and no extension.
type Decoder struct {
	limits  *Limits
	inflate *Inflater
	partial *buffer.Buffer // the message's payload so far
	lent    *buffer.Buffer // backs the event handed out last
	control *buffer.Buffer // the control frame's payload so far
	err     *Error

	left    int64 // bytes of the present frame's payload that have not come yet
	size    int64 // bytes of the present message's payload declared so far
	frames  int32 // of the present message
	key     uint32
	utf8    UTF8                // as new between messages: a valid text leaves no sequence unfinished
	head    [MaxHeaderSize]byte // a header that has not come whole
	headLen uint8

	role      Role
	op        Opcode // of the present frame
	message   Opcode // of the message under way, 0 between messages
	inFrame   bool
	fin       bool
	masked    bool
	rsv1      bool // the message is compressed
	streaming bool
	closed    bool // a close frame came: nothing after it counts
}

// NewDecoder returns a decoder for the end that plays role. limits may be shared and must not change; nil means the
// defaults. inflate is nil unless permessage-deflate was agreed; the decoder calls its Release.
func NewDecoder(role Role, limits *Limits, inflate *Inflater) Decoder {
	return Decoder{role: role, limits: limits, inflate: inflate}
}

// SetStreaming makes Next hand out the payload of messages as it arrives, piece by piece, the last one with Fin set,
// instead of whole messages. A piece of text may end within a character. A compressed message still comes in one
// piece. It may be changed at any time: what is held of a message already comes with the next piece.
func (d *Decoder) SetStreaming(on bool) { d.streaming = on }

// Missing returns how many bytes of the present frame's payload have not arrived yet, 0 between frames. It is what
// the peer declared: good to choose the size of the next read by, up to some bound.
func (d *Decoder) Missing() int64 { return d.left }

// AtRest reports whether d holds nothing of what has come: no part of a message or of a header, no event that was
// handed out last, and no reason to take nothing more. A new decoder goes on just as well then, unless d inflates.
func (d *Decoder) AtRest() bool {
	return d.message == 0 && !d.inFrame && d.headLen == 0 && d.lent == nil && d.err == nil && !d.closed && !d.streaming
}

// Inflates reports whether d has an [Inflater].
func (d *Decoder) Inflates() bool { return d.inflate != nil }

// Next reads from p up to the end of the first event and returns what follows it. An event with Op 0 means that all
// of p was taken and more is needed; call Next again until then, even if nothing follows, as it takes back the memory
// of the event before. Next unmasks in place and so changes p. After an error, which is always an [*Error], and after
// a close frame it takes no more bytes: it returns the same error, or no event.
func (d *Decoder) Next(p []byte) (ev Event, rest []byte, err error) {
	d.reclaim()
	if ev, size := d.plain(p); size > 0 {
		return ev, p[size:], nil
	}
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

// Disown leaves the memory of the last event to whoever still uses it: it is not given back, and so stays valid.
func (d *Decoder) Disown() { d.lent = nil }

// Release gives all memory back. The decoder must not be used afterwards.
func (d *Decoder) Release() {
	d.drop()
	d.reclaim()
	if d.inflate != nil {
		d.inflate.Release()
	}
	*d = Decoder{closed: true}
}

// fail ends the decoding.
func (d *Decoder) fail(err *Error) {
	d.err = err
	d.drop()
	d.reclaim()
}

// drop gives back what is held of messages that will never be whole.
func (d *Decoder) drop() {
	d.partial.Free()
	d.control.Free()
	d.partial, d.control = nil, nil
	d.inFrame, d.left = false, 0
}

// reclaim takes the memory of the last event back.
func (d *Decoder) reclaim() {
	if d.lent != nil {
		d.lent.Free()
		d.lent = nil
	}
}

// controlPayload takes what p has of a control frame's payload.
func (d *Decoder) controlPayload(p []byte) (Event, []byte) {
	chunk, rest := d.unmask(p)
	if d.left > 0 {
		if d.control == nil {
			d.control = buffer.Get(MaxControlPayload)
		}
		d.control.Append(chunk)
		return Event{}, rest
	}
	d.inFrame = false
	chunk = d.take(&d.control, chunk)
	if d.op == OpClose {
		if _, _, err := ParseClose(chunk); err != nil {
			d.fail(err.(*Error))
			return Event{}, nil
		}
		d.closed = true
		d.drop()
	}
	return Event{Op: d.op, Payload: chunk, Fin: true}, rest
}

// dataPayload takes what p has of a data frame's payload.
func (d *Decoder) dataPayload(p []byte) (Event, []byte) {
	chunk, rest := d.unmask(p)
	last := d.left == 0 && d.fin
	if d.left == 0 {
		d.inFrame = false
	}
	if d.message == OpText && !d.rsv1 && !d.validText(chunk, last) {
		d.fail(errInvalidUTF8)
		return Event{}, nil
	}
	if d.streaming && !d.rsv1 {
		return d.piece(d.take(&d.partial, chunk), last), rest
	}
	if !last {
		d.keep(chunk)
		return Event{}, rest
	}
	return d.whole(d.take(&d.partial, chunk)), rest
}

// unmask takes the part of p that belongs to the present frame.
func (d *Decoder) unmask(p []byte) (chunk, rest []byte) {
	n := int(min(d.left, int64(len(p))))
	chunk, rest = p[:n:n], p[n:]
	if d.masked {
		d.key = Mask(chunk, d.key)
	}
	d.left -= int64(n)
	return chunk, rest
}

// validText checks the next bytes of a text message; last tells that the message ends with them.
func (d *Decoder) validText(chunk []byte, last bool) bool {
	if last && int64(len(chunk)) == d.size {
		return ValidUTF8(chunk)
	}
	return d.utf8.Valid(chunk) && (!last || d.utf8.Complete())
}

// keep holds chunk until the rest of its message has come.
func (d *Decoder) keep(chunk []byte) {
	if len(chunk) == 0 {
		return
	}
	if d.partial == nil {
		d.partial = buffer.Get(len(chunk))
	}
	d.partial.Append(chunk)
}

// take returns what is held with chunk behind it, for the next event, and holds it no longer.
func (d *Decoder) take(held **buffer.Buffer, chunk []byte) []byte {
	if *held == nil {
		return chunk
	}
	(*held).Append(chunk)
	d.lent, *held = *held, nil
	return d.lent.Bytes()
}

// piece makes the event for the next part of a message that the caller streams.
func (d *Decoder) piece(chunk []byte, last bool) Event {
	if len(chunk) == 0 && !last {
		return Event{}
	}
	ev := Event{Op: d.message, Payload: chunk, Fin: last}
	if last {
		d.message = 0
	}
	return ev
}

// whole makes the event for a complete message, inflating it where it is compressed.
func (d *Decoder) whole(payload []byte) Event {
	ev := Event{Op: d.message, Payload: payload, Fin: true}
	d.message = 0
	if !d.rsv1 {
		return ev
	}
	inflated := buffer.Get(2 * len(payload))
	err := d.inflate.Inflate(inflated, payload, d.limits.message())
	d.lent.Free()
	d.lent = inflated
	switch {
	case errors.Is(err, ErrInflatedTooBig):
		d.fail(tooBig("inflated message is too big"))
	case err != nil:
		d.fail(&Error{Code: InvalidPayload, Reason: "compressed data is damaged", Cause: err})
	case ev.Op == OpText && !ValidUTF8(inflated.Bytes()):
		d.fail(errInvalidUTF8)
	default:
		ev.Payload = inflated.Bytes()
		return ev
	}
	return Event{}
}
