package loop

import (
	"unsafe"

	"github.com/molva-ws/molva/internal/counter"
)

// Traffic counts the bytes that streams have read from their sockets and written to them, and the messages that they
// took for sending, those that were sent through or are urgent not counted.
type Traffic struct {
	In       counter.Counter
	Out      counter.Counter
	Messages counter.Counter
}

// read counts what s has read. It may be called on nil, as wrote may.
func (t *Traffic) read(s *Stream, n int) {
	if t != nil {
		t.In.Add(unsafe.Pointer(s), uint64(n))
	}
}

func (t *Traffic) wrote(s *Stream, n int) {
	if t != nil && n > 0 {
		t.Out.Add(unsafe.Pointer(s), uint64(n))
	}
}

func (t *Traffic) took(s *Stream, messages int) {
	if t != nil && messages > 0 {
		t.Messages.Add(unsafe.Pointer(s), uint64(messages))
	}
}
