package traffic

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Checker follows the bytes that come back on one connection. The zero value
// expects message 0.
type Checker struct {
	received uint32 // whole messages
	offset   int    // bytes of the next one
}

// Received is the number of whole messages that came back right.
func (k *Checker) Received() uint32 { return k.received }

// Midway tells whether part of a message has arrived.
func (k *Checker) Midway() bool { return k.offset > 0 }

// A Mismatch is a byte that should not have come.
type Mismatch struct {
	Source   uint32 // the connection that sent the message expected here
	Sequence uint32 // the message's number on it
	Offset   int    // of the byte in the message's frame
	Got      byte
	Want     byte
}

func (m *Mismatch) Error() string {
	return fmt.Sprintf("message %d of connection %d: byte %d came back as %#02x, want %#02x: lost, doubled, reordered or corrupt",
		m.Sequence, m.Source, m.Offset, m.Got, m.Want)
}

// Check compares b with the messages of source that have to come next. It
// returns how many of them were completed, and the part of b that begins with a
// control frame, which is the caller's to read. The error is a *Mismatch.
func (k *Checker) Check(f *Format, source uint32, b []byte) (completed int, control []byte, err error) {
	for len(b) > 0 {
		if k.offset == 0 && f.opcode != Raw && isControl(b[0]) {
			return completed, b, nil
		}
		n := min(len(b), len(f.response)-k.offset)
		if err := k.compare(f, source, b[:n]); err != nil {
			return completed, nil, err
		}
		b = b[n:]
		k.offset += n
		if k.offset == len(f.response) {
			k.offset = 0
			k.received++
			completed++
		}
	}
	return completed, nil, nil
}

// isControl tells by its first byte whether a frame is a control frame (RFC
// 6455 §5.5).
func isControl(first byte) bool { return first&0x08 != 0 }

// compare looks at b, which lies at k.offset within one message, as the bytes
// before the tag, the tag and those after it.
func (k *Checker) compare(f *Format, source uint32, b []byte) error {
	var tag [tagSize]byte
	binary.LittleEndian.PutUint64(tag[:], tagOf(source, k.received))
	tagEnd := f.outTag + f.tagLen
	for _, part := range [...]struct {
		begin int
		want  []byte
	}{
		{0, f.response[:f.outTag]},
		{f.outTag, tag[:f.tagLen]},
		{tagEnd, f.response[tagEnd:]},
	} {
		from := max(k.offset, part.begin)
		to := min(k.offset+len(b), part.begin+len(part.want))
		if from >= to {
			continue
		}
		got, want := b[from-k.offset:to-k.offset], part.want[from-part.begin:to-part.begin]
		if !bytes.Equal(got, want) {
			return k.mismatch(source, from, got, want)
		}
	}
	return nil
}

func (k *Checker) mismatch(source uint32, offset int, got, want []byte) error {
	i := 0
	for got[i] == want[i] {
		i++
	}
	return &Mismatch{Source: source, Sequence: k.received, Offset: offset + i, Got: got[i], Want: want[i]}
}
