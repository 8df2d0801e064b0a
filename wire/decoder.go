package wire

import (
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
	busy      bool // there is something that plain does not know about; see settle
	strict    bool // the limits do not allow all that plain knows
}

// NewDecoder returns a decoder for the end that plays role. limits may be shared and must not change; nil means the
// defaults. inflate is nil unless permessage-deflate was agreed; the decoder calls its Release.
func NewDecoder(role Role, limits *Limits, inflate *Inflater) Decoder {
	return Decoder{role: role, limits: limits, inflate: inflate, strict: !limits.allow(maxPlain)}
}

// SetStreaming makes Next hand out the payload of messages as it arrives, piece by piece, the last one with Fin set,
// instead of whole messages. A piece of text may end within a character. A compressed message still comes in one
// piece. It may be changed at any time: what is held of a message already comes with the next piece.
func (d *Decoder) SetStreaming(on bool) {
	d.streaming = on
	d.settle()
}

// Missing returns how many bytes of the present frame's payload have not arrived yet, 0 between frames. It is what
// the peer declared: good to choose the size of the next read by, up to some bound.
func (d *Decoder) Missing() int64 { return d.left }

// AtRest reports whether d holds nothing of what has come: no part of a message or of a header, no event that was
// handed out last, and no reason to take nothing more. A new decoder goes on just as well then, unless d inflates.
func (d *Decoder) AtRest() bool {
	return !d.busy
}

// Inflates reports whether d has an [Inflater].
func (d *Decoder) Inflates() bool { return d.inflate != nil }

// Disown leaves the memory of the last event to whoever still uses it: it is not given back, and so stays valid.
func (d *Decoder) Disown() {
	d.lent = nil
	d.settle()
}

// Release gives all memory back. The decoder must not be used afterwards.
func (d *Decoder) Release() {
	d.drop()
	d.reclaim()
	if d.inflate != nil {
		d.inflate.Release()
	}
	*d = Decoder{closed: true, busy: true}
}

// fail ends the decoding.
func (d *Decoder) fail(err *Error) {
	d.err = err
	d.drop()
	d.reclaim()
	d.settle()
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
