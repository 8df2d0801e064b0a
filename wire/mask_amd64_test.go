//go:build !purego

package wire

import "golang.org/x/sys/cpu"

func maskAssembly() []maskKernel {
	kernel := func(avx2 bool) func(dst, src []byte, key uint32) {
		return func(dst, src []byte, key uint32) {
			maskVector(&dst[0], &src[0], len(src), key, avx2)
		}
	}
	kernels := []maskKernel{{"SSE2", kernel(false)}}
	if cpu.X86.HasAVX2 {
		kernels = append(kernels, maskKernel{"AVX2", kernel(true)})
	}
	return kernels
}
