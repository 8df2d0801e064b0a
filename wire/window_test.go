package wire

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

func TestWindowHoldsTheLastBytesOfWhatPassed(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for _, size := range []int{256, 4096, maxWindow} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			var w slidingWindow
			defer w.release()
			var all []byte
			for range 500 {
				p := make([]byte, random.IntN(1+random.IntN(size+size/2)))
				for i := range p {
					p[i] = byte(random.Uint32())
				}
				w.append(p, size)
				all = append(all, p...)
				if want := lastBytes(all, size); !bytes.Equal(w.text(), want) {
					t.Fatalf("after %d bytes the window differs", len(all))
				}
			}
		})
	}
}

func TestWindowTakesNoMoreMemoryThanItSaw(t *testing.T) {
	var w slidingWindow
	w.append(nil, maxWindow)
	if w.buf != nil {
		t.Fatal("an unused window has a buffer")
	}
	seen := 0
	for _, n := range []int{1, 255, 1, 1000, 5000, 40000} {
		w.append(make([]byte, n), maxWindow)
		seen += n
		if c := cap(*w.buf); c > maxWindow || c > 256 && c >= 2*seen {
			t.Errorf("%d bytes for %d bytes of text", c, seen)
		}
	}
	w.release()
	if w.buf != nil || len(w.text()) != 0 {
		t.Error("the released window is not empty")
	}
}

func TestWindowBitsComeIntoRange(t *testing.T) {
	for n, want := range map[int]int{-1: 256, 0: 32768, 8: 256, 9: 512, 14: 16384, 15: 32768, 300: 32768} {
		if got := nearestWindowBits(n).bytes(); got != want {
			t.Errorf("%d bits are %d bytes, want %d", n, got, want)
		}
	}
	if got := windowBits(0).bytes(); got != 32768 {
		t.Errorf("the zero value is %d bytes", got)
	}
}
