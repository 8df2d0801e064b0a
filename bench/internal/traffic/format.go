// Package traffic knows what the messages of a load test look like on the wire
// and checks every byte that comes back.
//
// Each message carries a tag, the connection it was sent on and its number, so
// that a message lost, doubled, out of order, or delivered to somebody else is
// noticed as surely as a corrupt one.
package traffic

import (
	"encoding/binary"
	"math/rand/v2"
)

// An Opcode says how a message is framed.
type Opcode byte

// The framings of a load test: the two data opcodes of RFC 6455 §5.2, and Raw
// for a server with no protocol, which gets exactly as many bytes.
const (
	Raw    Opcode = 0
	Text   Opcode = 1
	Binary Opcode = 2
)

const tagSize = 8

// Format is one size and kind of message, both ways. It is read-only once made.
type Format struct {
	request  []byte // as a client sends it, tag zero
	response []byte // as the server has to send it, tag zero
	tagLen   int    // of tagSize, what fits into the payload
	inTag    int    // where the tag lies in a request …
	outTag   int    // … and in a response
	mask     uint64 // the masking key, twice
	opcode   Opcode
}

// NewFormat makes messages of size payload bytes.
func NewFormat(opcode Opcode, size int) *Format {
	var key [4]byte
	binary.LittleEndian.PutUint32(key[:], rand.Uint32()|0x01010101)
	data := payload(opcode, size)

	f := &Format{opcode: opcode, tagLen: min(size, tagSize)}
	f.request = appendHeader(nil, max(opcode, Text), size, true)
	f.request = append(f.request, key[:]...)
	f.inTag = len(f.request)
	for i, b := range data {
		f.request = append(f.request, b^key[i&3])
	}
	f.mask = uint64(binary.LittleEndian.Uint32(key[:]))
	f.mask |= f.mask << 32
	if opcode == Raw {
		f.response, f.outTag = f.request, f.inTag
		return f
	}
	f.response = appendHeader(nil, opcode, size, false)
	f.outTag = len(f.response)
	f.response = append(f.response, data...)
	return f
}

// payload is noise for binary messages and noise of letters for text, with
// zeros where the tag goes.
func payload(opcode Opcode, size int) []byte {
	data := make([]byte, size)
	noise := rand.NewPCG(1, 2)
	for i := tagSize; i < size; i++ {
		data[i] = byte(noise.Uint64())
		if opcode == Text {
			data[i] = 'a' + data[i]%26
		}
	}
	return data
}

// appendHeader appends a frame header without its masking key (RFC 6455 §5.2).
func appendHeader(b []byte, opcode Opcode, size int, masked bool) []byte {
	const fin, mask = 0x80, 0x80
	bit := byte(0)
	if masked {
		bit = mask
	}
	b = append(b, fin|byte(opcode))
	switch {
	case size <= 125:
		return append(b, bit|byte(size))
	case size <= 0xffff:
		return binary.BigEndian.AppendUint16(append(b, bit|126), uint16(size))
	}
	return binary.BigEndian.AppendUint64(append(b, bit|127), uint64(size))
}

// RequestLen is the number of bytes a client sends per message.
func (f *Format) RequestLen() int { return len(f.request) }

// Batch returns n requests in a row, to be stamped and sent.
func (f *Format) Batch(n int) []byte {
	b := make([]byte, 0, n*len(f.request))
	for range n {
		b = append(b, f.request...)
	}
	return b
}

// Stamp writes the tags of messages first, first+1, … of a source into the
// requests of a batch, or as many of them as there are in it.
func (f *Format) Stamp(batch []byte, source, first uint32) {
	var tag [tagSize]byte
	for at := f.inTag; at < len(batch); at += len(f.request) {
		word := tagOf(source, first)
		if f.opcode != Raw {
			word ^= f.mask
		}
		binary.LittleEndian.PutUint64(tag[:], word)
		copy(batch[at:at+f.tagLen], tag[:])
		first++
	}
}

// tagOf spreads 18 bits of source and 30 of sequence over eight bytes of
// printable ASCII, so that it may stand in a text message. Of a payload too
// short for it the low bits of the sequence remain.
func tagOf(source, sequence uint32) uint64 {
	const low6 = 0x3f
	v := uint64(source)<<30 | uint64(sequence)&(1<<30-1)
	tag := uint64(0x4040404040404040)
	for i := range tagSize {
		tag |= v >> (6 * i) & low6 << (8 * i)
	}
	return tag
}
