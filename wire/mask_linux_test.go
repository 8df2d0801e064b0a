package wire

import (
	"bytes"
	"os"
	"syscall"
	"testing"
)

// guardedPage returns a page of memory between two that may not be touched.
func guardedPage(t *testing.T) []byte {
	t.Helper()
	size := os.Getpagesize()
	pages, err := syscall.Mmap(-1, 0, 3*size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Munmap(pages) })
	for _, guard := range [][]byte{pages[:size], pages[2*size:]} {
		if err := syscall.Mprotect(guard, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	return pages[size : 2*size]
}

func TestMaskTouchesNothingOutsideThePayload(t *testing.T) {
	page := guardedPage(t)
	for _, kernel := range maskKernels() {
		t.Run(kernel.name, func(t *testing.T) {
			for n := range 301 {
				for _, p := range [][]byte{page[:n], page[len(page)-n:]} {
					clear(page)
					kernel.mask(p, p, testKey)
					if got := len(page) - bytes.Count(page, []byte{0}); got != n {
						t.Fatalf("masking %d bytes changed %d", n, got)
					}
				}
			}
		})
	}
}
