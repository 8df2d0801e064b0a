package loop

import (
	"sync/atomic"

	"github.com/molva-ws/molva/internal/buffer"
)

// A Frame is bytes that were encoded once and are sent to many connections. References are counted so that the
// memory can be used again as soon as the last connection has sent it.
type Frame struct {
	// Subject is what the frame is about, if of all frames about it only the newest is worth sending: where it is
	// [Droppable], it takes the place of an older one that still waits in an outbox. It must not change once the frame
	// is sent.
	Subject Subject

	refs atomic.Int32
	buf  *buffer.Buffer
}

// A Subject is what a [Frame] is about. The zero value stands for nothing in particular.
type Subject struct{ Space, Name string }

// NewFrame makes a frame of the content of buf, which it now owns. The caller holds the one reference.
func NewFrame(buf *buffer.Buffer) *Frame {
	f := &Frame{buf: buf}
	f.refs.Store(1)
	return f
}

// Bytes returns the frame's bytes, which nobody may change.
func (f *Frame) Bytes() []byte { return f.buf.Bytes() }

// Retain takes one more reference, on behalf of whoever will call Release.
func (f *Frame) Retain() { f.refs.Add(1) }

// Release gives one reference back; with the last one the memory goes back to its pool.
func (f *Frame) Release() {
	if f.refs.Add(-1) == 0 {
		f.buf.Free()
		f.buf = nil
	}
}
