package wire

import (
	"encoding/binary"
	"math/bits"
)

// Mask XORs p in place with the masking key of RFC 6455 §5.3 and returns the
// key rotated to the byte that follows p, so that a payload may be masked in
// chunks of any size with no other state:
//
//	for each chunk { key = Mask(chunk, key) }
//
// Byte 0 of the key, the first on the wire, is the low byte of key. Masking
// and unmasking are the same operation.
func Mask(p []byte, key uint32) uint32 {
	return MaskCopy(p, p, key)
}

// MaskCopy writes src, masked with key, to dst and returns the key rotated as
// [Mask] does. It is copy and Mask in one pass, for a client that must not
// change the bytes it was given to send.
//
// dst must be at least as long as src, and the two must be the same memory or
// share none, as for [crypto/subtle.XORBytes].
func MaskCopy(dst, src []byte, key uint32) uint32 {
	n := len(src)
	dst = dst[:n]
	next := rotateKey(key, n)
	switch {
	case n > maskShortMax:
		maskLong(dst, src, key)

	// A few words from the front and a few from the back, which may overlap:
	// all are read before the first is written. What begins 4, 8 or 16 bytes
	// before the end takes the key as the end leaves it.
	case n > 16:
		a := binary.LittleEndian.Uint64(src) ^ keyWord(key)
		b := binary.LittleEndian.Uint64(src[8:]) ^ keyWord(key)
		y := binary.LittleEndian.Uint64(src[n-16:]) ^ keyWord(next)
		z := binary.LittleEndian.Uint64(src[n-8:]) ^ keyWord(next)
		binary.LittleEndian.PutUint64(dst, a)
		binary.LittleEndian.PutUint64(dst[8:], b)
		binary.LittleEndian.PutUint64(dst[n-16:], y)
		binary.LittleEndian.PutUint64(dst[n-8:], z)
	case n >= 8:
		a := binary.LittleEndian.Uint64(src) ^ keyWord(key)
		z := binary.LittleEndian.Uint64(src[n-8:]) ^ keyWord(next)
		binary.LittleEndian.PutUint64(dst, a)
		binary.LittleEndian.PutUint64(dst[n-8:], z)
	case n >= 4:
		a := binary.LittleEndian.Uint32(src) ^ key
		z := binary.LittleEndian.Uint32(src[n-4:]) ^ next
		binary.LittleEndian.PutUint32(dst, a)
		binary.LittleEndian.PutUint32(dst[n-4:], z)
	default:
		for i, b := range src {
			dst[i] = b ^ byte(key>>(8*i))
		}
	}
	return next
}

// rotateKey returns the key as it stands n bytes further on.
func rotateKey(key uint32, n int) uint32 {
	return bits.RotateLeft32(key, -8*n)
}

// keyWord is the key twice, for eight bytes.
func keyWord(key uint32) uint64 {
	return uint64(key)<<32 | uint64(key)
}
