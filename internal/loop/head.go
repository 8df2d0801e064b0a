package loop

import "encoding/binary"

// maxHead is the size in bytes of the longest [Head].
const maxHead = 16

// A Head is the few bytes that go before the body of a message: the first Size bytes, 16 at most, of Lo and then Hi, of
// both the lowest first. It is passed in registers, so that whoever makes one needs no memory for it. The zero value is
// empty.
type Head struct {
	Lo, Hi uint64
	Size   int
}

// MakeHead returns a head with the bytes of p, of which there may be 16.
func MakeHead(p []byte) Head {
	var b [maxHead]byte
	size := copy(b[:], p)
	return Head{Lo: binary.LittleEndian.Uint64(b[:]), Hi: binary.LittleEndian.Uint64(b[8:]), Size: size}
}

// put writes the head to the beginning of p, which has room for 16 bytes.
func (h Head) put(p []byte) {
	_ = p[maxHead-1]
	binary.LittleEndian.PutUint64(p, h.Lo)
	binary.LittleEndian.PutUint64(p[8:], h.Hi)
}

// skip returns what follows the first n bytes.
func (h Head) skip(n int) Head {
	var b [maxHead]byte
	h.put(b[:])
	return MakeHead(b[n:h.Size])
}
