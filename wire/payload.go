package wire

import (
	"errors"

	"github.com/molva-ws/molva/internal/buffer"
)

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
