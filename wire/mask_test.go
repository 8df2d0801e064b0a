package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// maskKernel is one way to mask: dst and src have the same length.
type maskKernel struct {
	name string
	mask func(dst, src []byte, key uint32)
}

// maskKernels returns the kernels this machine can run: the exported one, what
// it uses for long payloads without assembly, and whatever assembly the
// processor has the instructions for. Short payloads all go one way.
func maskKernels() []maskKernel {
	exported := func(dst, src []byte, key uint32) { MaskCopy(dst, src, key) }
	kernels := []maskKernel{{"MaskCopy", exported}}
	for _, long := range append(maskAssembly(), maskKernel{"portable", maskPortable}) {
		kernels = append(kernels, maskKernel{long.name, func(dst, src []byte, key uint32) {
			if len(src) <= maskShortMax {
				exported(dst, src, key)
			} else {
				long.mask(dst, src, key)
			}
		}})
	}
	return kernels
}

const testKey = 0x44332211 // 11 22 33 44 on the wire

// maskByteLoop is the definition in RFC 6455 §5.3, and the reference.
func maskByteLoop(dst, src []byte, key uint32) {
	var octets [4]byte
	binary.LittleEndian.PutUint32(octets[:], key)
	for i := range src {
		dst[i] = src[i] ^ octets[i%4]
	}
}

// maskWordLoop is what the kernels are measured against.
func maskWordLoop(dst, src []byte, key uint32) {
	word := uint64(key)<<32 | uint64(key)
	for len(src) >= 8 {
		binary.LittleEndian.PutUint64(dst, binary.LittleEndian.Uint64(src)^word)
		dst, src = dst[8:], src[8:]
	}
	maskByteLoop(dst, src, key)
}

// maskLengths are all small lengths, and big ones around powers of two.
func maskLengths() []int {
	var lengths []int
	for n := range 301 {
		lengths = append(lengths, n)
	}
	for _, n := range []int{512, 1024, 4096, 65536, 1 << 20} {
		lengths = append(lengths, n-1, n, n+1, n+37)
	}
	return lengths
}

func randomBytes(n int) []byte {
	p := make([]byte, n)
	rng := rand.NewChaCha8([32]byte{1})
	rng.Read(p)
	return p
}

// unaligned returns n bytes that begin at the given offset from a 64-byte
// boundary, with a margin on both sides that no kernel may touch.
func unaligned(n, offset int) (whole, p []byte) {
	const margin = 64
	whole = make([]byte, n+offset+3*margin)
	aligned := -int(uintptr(unsafe.Pointer(&whole[margin]))) & 63
	start := margin + aligned + offset
	return whole, whole[start : start+n]
}

func TestMaskMatchesTheByteLoopAtEveryLengthAndAlignment(t *testing.T) {
	for _, kernel := range maskKernels() {
		t.Run(kernel.name, func(t *testing.T) {
			for _, n := range maskLengths() {
				src := randomBytes(n)
				want := make([]byte, n)
				maskByteLoop(want, src, testKey)
				for offset := 0; offset < 64; offset++ {
					if n > 4096 && offset%9 != 0 {
						continue
					}
					checkMaskInPlace(t, kernel, src, want, offset)
				}
			}
		})
	}
}

func checkMaskInPlace(t *testing.T, kernel maskKernel, src, want []byte, offset int) {
	t.Helper()
	whole, p := unaligned(len(src), offset)
	copy(p, src)
	kernel.mask(p, p, testKey)
	if !bytes.Equal(p, want) {
		t.Fatalf("%d bytes at offset %d: masked wrong", len(src), offset)
	}
	clear(p)
	if !bytes.Equal(whole, make([]byte, len(whole))) {
		t.Fatalf("%d bytes at offset %d: wrote outside of them", len(src), offset)
	}
}

func TestMaskCopyLeavesTheSourceAndMatchesTheByteLoop(t *testing.T) {
	for _, kernel := range maskKernels() {
		t.Run(kernel.name, func(t *testing.T) {
			for n := range 301 {
				original := randomBytes(n)
				want := make([]byte, n)
				maskByteLoop(want, original, testKey)
				for offset := 0; offset < 64; offset += 7 {
					_, src := unaligned(n, offset)
					copy(src, original)
					_, dst := unaligned(n, (offset*5+3)%64)
					kernel.mask(dst, src, testKey)
					if !bytes.Equal(dst, want) {
						t.Fatalf("%d bytes at offset %d: masked wrong", n, offset)
					}
					if !bytes.Equal(src, original) {
						t.Fatalf("%d bytes at offset %d: source changed", n, offset)
					}
				}
			}
		})
	}
}

func TestMaskUsesEveryRotationOfTheKey(t *testing.T) {
	for _, kernel := range maskKernels() {
		t.Run(kernel.name, func(t *testing.T) {
			for rotation := range 4 {
				key := rotateKey(testKey, rotation)
				for n := range 301 {
					got, want := randomBytes(n), randomBytes(n)
					kernel.mask(got, got, key)
					maskByteLoop(want, want, key)
					if !bytes.Equal(got, want) {
						t.Fatalf("key %08x, %d bytes: masked wrong", key, n)
					}
				}
			}
		})
	}
}

func TestMaskOfTheRFCExample(t *testing.T) {
	// RFC 6455 §5.7: a single-frame masked text message "Hello".
	p := []byte{0x7f, 0x9f, 0x4d, 0x51, 0x58}
	key := binary.LittleEndian.Uint32([]byte{0x37, 0xfa, 0x21, 0x3d})
	Mask(p, key)
	if string(p) != "Hello" {
		t.Fatalf("unmasked %q, want Hello", p)
	}
}

func TestMaskCarriesItsPositionAcrossChunks(t *testing.T) {
	const n = 200
	want := randomBytes(n)
	maskByteLoop(want, want, testKey)
	for cut := range n + 1 {
		for _, second := range []int{cut, cut + 1, cut + 2, cut + 3, cut + 67} {
			second = min(second, n)
			p := randomBytes(n)
			key := Mask(p[:cut], testKey)
			key = Mask(p[cut:second], key)
			key = Mask(p[second:], key)
			if !bytes.Equal(p, want) {
				t.Fatalf("cut at %d and %d: masked wrong", cut, second)
			}
			if key != testKey { // 200 is a multiple of 4
				t.Fatalf("cut at %d and %d: key is left at %08x", cut, second, key)
			}
		}
	}
}

func TestMaskReturnsTheKeyOfTheNextByte(t *testing.T) {
	want := []uint32{0x44332211, 0x11443322, 0x22114433, 0x33221144}
	for n := range 300 {
		p := make([]byte, n)
		if got := Mask(p, testKey); got != want[n%4] {
			t.Errorf("Mask of %d bytes returned %08x, want %08x", n, got, want[n%4])
		}
		if got := MaskCopy(make([]byte, n), p, testKey); got != want[n%4] {
			t.Errorf("MaskCopy of %d bytes returned %08x, want %08x", n, got, want[n%4])
		}
	}
}

func TestMaskCopyWritesNoMoreThanTheSource(t *testing.T) {
	dst := make([]byte, 100)
	MaskCopy(dst, make([]byte, 70), testKey)
	if !bytes.Equal(dst[70:], make([]byte, 30)) {
		t.Fatal("wrote past the length of the source")
	}
}

// FuzzMask masks any payload cut in three, by every kernel and through
// MaskCopy, and compares with the byte loop.
func FuzzMask(f *testing.F) {
	f.Add([]byte(nil), uint32(0), uint16(0), uint16(0))
	f.Add([]byte("Hello"), uint32(0x3d21fa37), uint16(2), uint16(1))
	f.Add(randomBytes(64), uint32(testKey), uint16(63), uint16(1))
	f.Add(randomBytes(300), uint32(testKey), uint16(129), uint16(100))
	f.Fuzz(func(t *testing.T, src []byte, key uint32, first, second uint16) {
		a := min(int(first), len(src))
		b := min(a+int(second), len(src))
		want := make([]byte, len(src))
		maskByteLoop(want, src, key)

		p := bytes.Clone(src)
		next := Mask(p[b:], Mask(p[a:b], Mask(p[:a], key)))
		if !bytes.Equal(p, want) || next != rotateKey(key, len(src)) {
			t.Errorf("Mask cut at %d and %d differs from the byte loop", a, b)
		}
		clear(p)
		MaskCopy(p[b:], src[b:], MaskCopy(p[a:b], src[a:b], MaskCopy(p[:a], src[:a], key)))
		if !bytes.Equal(p, want) {
			t.Errorf("MaskCopy cut at %d and %d differs from the byte loop", a, b)
		}
		for _, kernel := range maskKernels() {
			copy(p, src)
			kernel.mask(p, p, key)
			if !bytes.Equal(p, want) {
				t.Errorf("%s differs from the byte loop", kernel.name)
			}
		}
	})
}

// framesIn cuts a buffer of 16 KiB, or of one frame if that is longer, into
// payloads of n bytes, 6 bytes of header before each, as a decoder meets them.
// Masking one payload over and over would measure how the processor forwards
// the stores of one call to the loads of the next.
func framesIn(n int) [][]byte {
	const header = 6
	buffer := make([]byte, max(16<<10, header+n))
	var payloads [][]byte
	for len(buffer) >= header+n {
		payloads = append(payloads, buffer[header:header+n])
		buffer = buffer[header+n:]
	}
	return payloads
}

// BenchmarkMask compares the kernels with the loops they replace.
func BenchmarkMask(b *testing.B) {
	kernels := append(maskKernels(),
		maskKernel{"byte loop", maskByteLoop},
		maskKernel{"word loop", maskWordLoop})
	for _, n := range []int{5, 16, 32, 64, 125, 256, 1 << 10, 16 << 10, 64 << 10, 1 << 20} {
		for _, kernel := range kernels {
			b.Run(fmt.Sprintf("%d/%s", n, kernel.name), func(b *testing.B) {
				payloads := framesIn(n)
				b.SetBytes(int64(n))
				next := 0
				for b.Loop() {
					kernel.mask(payloads[next], payloads[next], testKey)
					if next++; next == len(payloads) {
						next = 0
					}
				}
			})
		}
	}
}

func BenchmarkMaskCopy(b *testing.B) {
	for _, n := range []int{5, 64, 125, 1 << 10, 16 << 10, 64 << 10} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			src := randomBytes(n)
			payloads := framesIn(n)
			b.SetBytes(int64(n))
			next := 0
			for b.Loop() {
				MaskCopy(payloads[next], src, testKey)
				if next++; next == len(payloads) {
					next = 0
				}
			}
		})
	}
}
