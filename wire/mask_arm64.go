//go:build !purego

package wire

// maskLong masks more than maskShortMax bytes.
func maskLong(dst, src []byte, key uint32) {
	maskVector(&dst[0], &src[0], len(src), key)
}

// maskVector masks n bytes, n >= 16, by NEON, which every arm64 has.
//
//go:noescape
func maskVector(dst, src *byte, n int, key uint32)
