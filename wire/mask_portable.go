package wire

import "encoding/binary"

// maskShortMax is the length up to which MaskCopy masks without a loop, and
// without assembly.
const maskShortMax = 32

// maskPortable is maskLong where there is no assembly, and what the assembly
// is tested against. dst and src have the same length, 32 or more.
//
// The last 32 bytes are read before anything is written and written last: so
// they may overlap what the loop masks, even when dst is src, and no odd bytes
// are left to treat one by one.
func maskPortable(dst, src []byte, key uint32) {
	n := len(src)
	word, turned := keyWord(key), keyWord(rotateKey(key, n))
	end := src[n-32:]
	w := binary.LittleEndian.Uint64(end[0:]) ^ turned
	x := binary.LittleEndian.Uint64(end[8:]) ^ turned
	y := binary.LittleEndian.Uint64(end[16:]) ^ turned
	z := binary.LittleEndian.Uint64(end[24:]) ^ turned
	end = dst[n-32:]
	for len(src) > 32 && len(dst) > 32 {
		a := binary.LittleEndian.Uint64(src[0:8])
		b := binary.LittleEndian.Uint64(src[8:16])
		c := binary.LittleEndian.Uint64(src[16:24])
		d := binary.LittleEndian.Uint64(src[24:32])
		binary.LittleEndian.PutUint64(dst[0:8], a^word)
		binary.LittleEndian.PutUint64(dst[8:16], b^word)
		binary.LittleEndian.PutUint64(dst[16:24], c^word)
		binary.LittleEndian.PutUint64(dst[24:32], d^word)
		src, dst = src[32:], dst[32:]
	}
	binary.LittleEndian.PutUint64(end[0:], w)
	binary.LittleEndian.PutUint64(end[8:], x)
	binary.LittleEndian.PutUint64(end[16:], y)
	binary.LittleEndian.PutUint64(end[24:], z)
}
