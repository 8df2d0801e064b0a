package load

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/molva-ws/molva/wire"
)

// Kind says what is in messages.
type Kind uint8

const (
	// Binary is noise.
	Binary Kind = iota
	// Text is English letters.
	Text
	// Unicode is text in several scripts, of one to four bytes a character.
	Unicode
)

var kindNames = [...]string{"binary", "text", "unicode"}

// String returns the name of the kind.
func (k Kind) String() string { return kindNames[k] }

// UnmarshalText takes the name of a kind.
func (k *Kind) UnmarshalText(name []byte) error {
	i := slices.Index(kindNames[:], string(name))
	if i < 0 {
		return fmt.Errorf("%q is not one of %s", name, strings.Join(kindNames[:], ", "))
	}
	*k = Kind(i)
	return nil
}

func (k Kind) opcode() wire.Opcode {
	if k == Binary {
		return wire.OpBinary
	}
	return wire.OpText
}

// tagSize is the number of bytes at the beginning of a message that tell whose it is, and its number.
const tagSize = 8

// A tag has sequenceBits of the message's number, and the rest of its 48 bits is the connection's: four million
// connections, and a message is told apart from the 67 million before and after it.
const (
	sequenceBits = 26
	sourceBits   = 48 - sequenceBits
)

// tagOf spreads source and sequence over eight bytes of printable ASCII, so that it may stand in a text. Of a message
// too short for it the low bits of the sequence remain.
func tagOf(source, sequence uint32) uint64 {
	v := uint64(source)<<sequenceBits | uint64(sequence)&(1<<sequenceBits-1)
	// Each step spreads the halves of every group of bits: 48 become 2 × 24, 4 × 12 and at last 8 × 6.
	v = v&(1<<24-1) | v>>24<<32
	v = v&0x00000fff00000fff | v&0x00fff00000fff000<<4
	v = v&0x003f003f003f003f | v&0x0fc00fc00fc00fc0<<2
	return v | 0x4040404040404040
}

// readTag is the inverse of tagOf. It reports false if tag is not one.
func readTag(tag uint64) (source, sequence uint32, ok bool) {
	if tag&0xc0c0c0c0c0c0c0c0 != 0x4040404040404040 {
		return 0, 0, false
	}
	v := tag & 0x3f3f3f3f3f3f3f3f
	v = v&0x003f003f003f003f | v>>2&0x0fc00fc00fc00fc0
	v = v&0x00000fff00000fff | v>>4&0x00fff00000fff000
	v = v&(1<<24-1) | v>>32<<24
	return uint32(v >> sequenceBits), uint32(v & (1<<sequenceBits - 1)), true
}

// payload returns size bytes of a kind; the tag goes over the first of them, which are zero. The noise is always the
// same.
func payload(k Kind, size int) []byte {
	const scripts = "Word of mouth. Молва идёт, слухами земля полнится! 众口铄金，口耳相传。 口コミ ρήμα سمعة 🗣🌍👂 "
	data := make([]byte, size)
	noise := rand.NewPCG(1, 2)
	switch k {
	case Binary:
		for i := tagSize; i < size; i++ {
			data[i] = byte(noise.Uint64())
		}
	case Text:
		for i := tagSize; i < size; i++ {
			data[i] = 'a' + byte(noise.Uint64()%26)
		}
	case Unicode:
		for i := tagSize; i < size; i += copy(data[i:], scripts) {
		}
		for i := cutText(data, size); i < size; i++ {
			data[i] = '.'
		}
	}
	return data
}

// cutText returns the largest length up to size at which text can be cut between two characters.
func cutText(text []byte, size int) int {
	if size <= tagSize {
		return size
	}
	start := size - 1
	for start > tagSize && !utf8.RuneStart(text[start]) {
		start--
	}
	if _, n := utf8.DecodeRune(text[start:size]); start+n == size && utf8.Valid(text[start:size]) {
		return size
	}
	return start
}

// format is the messages of one size and kind, both ways. It is read-only once made.
type format struct {
	shape    shape
	request  []byte // as a client sends it, tag zero
	response []byte // as the server is expected to send it, tag zero
	tagLen   int    // of tagSize, what fits into the payload
	inTag    int    // where the tag lies in a request …
	outTag   int    // … and in a response
	mask     uint64 // the masking key, twice
	raw      bool   // the server echoes requests as they are
}

// shape is what can be told of a message beside its tag.
type shape struct {
	op   wire.Opcode
	size int
}

func newFormat(k Kind, size int, raw bool) *format {
	key := newKey()
	data := payload(k, size)
	f := &format{
		shape:  shape{k.opcode(), size},
		tagLen: min(size, tagSize),
		mask:   uint64(key) | uint64(key)<<32,
		raw:    raw,
	}
	h := wire.Header{Fin: true, Opcode: f.shape.op, Masked: true, Key: key}
	f.request = wire.AppendFrame(nil, h, data)
	f.inTag = len(f.request) - size
	h.Masked = false
	f.response = wire.AppendFrame(nil, h, data)
	if raw {
		f.response = f.request
	}
	f.outTag = len(f.response) - size
	return f
}

// newKey returns a masking key none of whose bytes is zero. All frames of a run are masked with one, so that they can
// be prepared; to a server this is the same work.
func newKey() uint32 { return wire.NewKey() | 0x01010101 }

// batch returns n requests in a row, to be stamped and sent.
func (f *format) batch(n int) []byte {
	b := make([]byte, 0, n*len(f.request))
	for range n {
		b = append(b, f.request...)
	}
	return b
}

// stamp writes the tags of the messages first, first+1, … of a source into the requests of a batch.
func (f *format) stamp(batch []byte, source, first uint32) {
	mask := f.mask
	if f.raw {
		mask = 0
	}
	if f.tagLen < tagSize {
		f.stampShort(batch, source, first, mask)
		return
	}
	for at := f.inTag; at < len(batch); at += len(f.request) {
		binary.LittleEndian.PutUint64(batch[at:], tagOf(source, first)^mask)
		first++
	}
}

func (f *format) stampShort(batch []byte, source, first uint32, mask uint64) {
	var tag [tagSize]byte
	for at := f.inTag; at < len(batch); at += len(f.request) {
		binary.LittleEndian.PutUint64(tag[:], tagOf(source, first)^mask)
		copy(batch[at:at+f.tagLen], tag[:])
		first++
	}
}
