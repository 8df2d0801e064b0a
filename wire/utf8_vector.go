//go:build !purego && (amd64 || arm64)

package wire

import (
	"encoding/binary"
	"unicode/utf8"
)

// utf8VectorMin is the least length that validUTF8Vector takes: a vector and
// the three bytes before it.
const utf8VectorMin = 19

// validUTF8Vector reports whether n bytes, n >= utf8VectorMin, are valid UTF-8.
//
//go:noescape
func validUTF8Vector(p *byte, n int, tables *[4][16]uint8) bool

// validUTF8 is what [utf8.Valid] is, faster on long texts and on short ASCII.
func validUTF8(p []byte) bool {
	if len(p) >= utf8VectorMin && hasUTF8Vector() {
		return validUTF8Vector(&p[0], len(p), &utf8Tables)
	}
	for len(p) >= 8 && binary.LittleEndian.Uint64(p)&0x8080808080808080 == 0 {
		p = p[8:]
	}
	return len(p) == 0 || utf8.Valid(p)
}

// The assembly follows John Keiser and Daniel Lemire, "Validating UTF-8 In
// Less Than One Instruction Per Byte" (Software: Practice and Experience 51,
// 2021). Every fault but a misplaced third or fourth byte shows in 12 bits of
// two neighbouring bytes: both halves of the first and the high half of the
// second. Each of the three halves indexes a table whose entry has a bit for
// every fault the half is compatible with. A bit that is left in the AND of
// the three entries is a fault.
const (
	utf8TooShort  = 1 << 0 // a lead byte without a continuation
	utf8TooLong   = 1 << 1 // ASCII with a continuation
	utf8Overlong3 = 1 << 2 // E0 80..9F
	utf8TooLarge  = 1 << 3 // F4..FF 90..BF
	utf8Surrogate = 1 << 4 // ED A0..BF
	utf8Overlong2 = 1 << 5 // C0..C1 with a continuation

	// F5..FF 80..8F and F0 80..8F. They share a bit, for they agree in the
	// high halves, and no low half is in both.
	utf8TooLarge80 = 1 << 6
	utf8Overlong4  = 1 << 6

	// A continuation behind a continuation. It is no fault as the third or
	// fourth byte of a sequence, so the assembly XORs this bit with what the
	// bytes two and three back ask for.
	utf8TwoContinuations = 1 << 7

	// The faults that do not depend on the low half of the first byte.
	utf8AnyLow = utf8TooShort | utf8TooLong | utf8TwoContinuations
)

// The first three of utf8Tables are indexed by the high half of a byte's
// predecessor, by the low half of it, and by the high half of the byte. The
// fourth is what the last 16 bytes of a text may be at most: a greater one
// leads a sequence that the end cuts short. They are never written.
var utf8Tables = [4][16]uint8{
	{
		0x0: utf8TooLong, utf8TooLong, utf8TooLong, utf8TooLong,
		0x4: utf8TooLong, utf8TooLong, utf8TooLong, utf8TooLong,
		0x8: utf8TwoContinuations, utf8TwoContinuations, utf8TwoContinuations, utf8TwoContinuations,
		0xC: utf8TooShort | utf8Overlong2,
		0xD: utf8TooShort,
		0xE: utf8TooShort | utf8Overlong3 | utf8Surrogate,
		0xF: utf8TooShort | utf8TooLarge | utf8TooLarge80 | utf8Overlong4,
	},
	{
		0x0: utf8AnyLow | utf8Overlong2 | utf8Overlong3 | utf8Overlong4,
		0x1: utf8AnyLow | utf8Overlong2,
		0x2: utf8AnyLow,
		0x3: utf8AnyLow,
		0x4: utf8AnyLow | utf8TooLarge,
		0x5: utf8AnyLow | utf8TooLarge | utf8TooLarge80,
		0x6: utf8AnyLow | utf8TooLarge | utf8TooLarge80,
		0x7: utf8AnyLow | utf8TooLarge | utf8TooLarge80,
		0x8: utf8AnyLow | utf8TooLarge | utf8TooLarge80,
		0x9: utf8AnyLow | utf8TooLarge | utf8TooLarge80,
		0xA: utf8AnyLow | utf8TooLarge | utf8TooLarge80,
		0xB: utf8AnyLow | utf8TooLarge | utf8TooLarge80,
		0xC: utf8AnyLow | utf8TooLarge | utf8TooLarge80,
		0xD: utf8AnyLow | utf8TooLarge | utf8TooLarge80 | utf8Surrogate,
		0xE: utf8AnyLow | utf8TooLarge | utf8TooLarge80,
		0xF: utf8AnyLow | utf8TooLarge | utf8TooLarge80,
	},
	{
		0x0: utf8TooShort, utf8TooShort, utf8TooShort, utf8TooShort,
		0x4: utf8TooShort, utf8TooShort, utf8TooShort, utf8TooShort,
		0x8: utf8TooLong | utf8TwoContinuations | utf8Overlong2 | utf8Overlong3 | utf8Overlong4 | utf8TooLarge80,
		0x9: utf8TooLong | utf8TwoContinuations | utf8Overlong2 | utf8Overlong3 | utf8TooLarge,
		0xA: utf8TooLong | utf8TwoContinuations | utf8Overlong2 | utf8Surrogate | utf8TooLarge,
		0xB: utf8TooLong | utf8TwoContinuations | utf8Overlong2 | utf8Surrogate | utf8TooLarge,
		0xC: utf8TooShort, utf8TooShort, utf8TooShort, utf8TooShort,
	},
	{
		0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
		0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xEF, 0xDF, 0xBF,
	},
}
