//go:build !purego

package wire

func maskAssembly() []maskKernel {
	return []maskKernel{{"NEON", func(dst, src []byte, key uint32) {
		maskVector(&dst[0], &src[0], len(src), key)
	}}}
}
