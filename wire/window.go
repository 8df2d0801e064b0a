package wire

import (
	"math/bits"
	"sync"
)

// windowBits is the size of an LZ77 window as the base-2 logarithm of its bytes, 8 to 15 (RFC 7692 §7.1.2). Zero is a
// parameter that was not negotiated and stands for 15.
type windowBits uint8

const (
	minWindowBits = 8
	maxWindowBits = 15
	maxWindow     = 1 << maxWindowBits
)

// nearestWindowBits brings n into the legal range.
func nearestWindowBits(n int) windowBits {
	if n == 0 {
		return maxWindowBits
	}
	return windowBits(min(max(n, minWindowBits), maxWindowBits))
}

// bytes returns the size of the window.
func (b windowBits) bytes() int {
	if b == 0 {
		return maxWindow
	}
	return 1 << b
}

// slidingWindow is the plain text that compressed data may refer back to: the end of what was sent one way so far,
// kept between messages under context takeover (RFC 7692 §7.2.1). It takes no more memory than it has text to hold,
// rounded up to a power of two, and takes it from a pool. The zero value is empty.
type slidingWindow struct {
	buf *[]byte // nil while empty; its capacity is a power of two
}

// windowPools holds the buffers that no window uses, by the base-2 logarithm of their capacity.
var windowPools [maxWindowBits + 1]sync.Pool

// text returns what the window holds, oldest first, until the next call of append or release.
func (w *slidingWindow) text() []byte {
	if w.buf == nil {
		return nil
	}
	return *w.buf
}

// append moves the window on over p, to hold at most the last size bytes.
func (w *slidingWindow) append(p []byte, size int) {
	if len(p) == 0 {
		return
	}
	p = lastBytes(p, size)
	w.reserve(min(len(w.text())+len(p), size))
	text := *w.buf
	if excess := len(text) + len(p) - size; excess > 0 {
		text = text[:copy(text, text[excess:])]
	}
	*w.buf = append(text, p...)
}

// reserve makes room for n bytes in all.
func (w *slidingWindow) reserve(n int) {
	if w.buf != nil && cap(*w.buf) >= n {
		return
	}
	class := max(bits.Len(uint(n-1)), minWindowBits)
	buf, ok := windowPools[class].Get().(*[]byte)
	if !ok {
		b := make([]byte, 0, 1<<class)
		buf = &b
	}
	*buf = append(*buf, w.text()...)
	w.release()
	w.buf = buf
}

// release empties the window and gives its memory back.
func (w *slidingWindow) release() {
	if w.buf == nil {
		return
	}
	class := bits.Len(uint(cap(*w.buf) - 1))
	*w.buf = (*w.buf)[:0]
	windowPools[class].Put(w.buf)
	w.buf = nil
}

// lastBytes returns the last n bytes of p, or all of p if it is shorter.
func lastBytes(p []byte, n int) []byte {
	return p[max(len(p)-n, 0):]
}
