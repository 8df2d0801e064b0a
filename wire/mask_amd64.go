//go:build !purego

package wire

import "golang.org/x/sys/cpu"

// maskLong masks more than maskShortMax bytes.
func maskLong(dst, src []byte, key uint32) {
	maskVector(&dst[0], &src[0], len(src), key, cpu.X86.HasAVX2)
}

// maskVector masks n bytes, n >= 32, by AVX2 or by SSE2.
//
//go:noescape
func maskVector(dst, src *byte, n int, key uint32, avx2 bool)
