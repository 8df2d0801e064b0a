// Package buffer lends byte slices in size classes, so that a connection holds memory only while bytes are on
// their way through it.
package buffer

import (
	"math/bits"
	"sync"
)

const (
	minShift = 9  // 512 B, the smallest class
	maxShift = 24 // 16 MiB, the largest that is kept for reuse
)

// pools holds free buffers by class; pools[i] lends slices of 1<<(minShift+i) bytes.
var pools [maxShift - minShift + 1]sync.Pool

// A Buffer is a byte slice on loan. It belongs to one goroutine at a time and must not be used after Free.
// A nil *Buffer is an empty one that can only be asked for its length and bytes, and freed.
type Buffer struct {
	b []byte
}

// Get lends an empty buffer that holds at least n bytes before it has to grow.
func Get(n int) *Buffer {
	class := classOf(n)
	if class >= len(pools) {
		return &Buffer{b: make([]byte, 0, n)}
	}
	if b, ok := pools[class].Get().(*Buffer); ok {
		return b
	}
	return &Buffer{b: make([]byte, 0, 1<<(minShift+class))}
}

// Free gives the buffer back. It may be called on nil.
func (b *Buffer) Free() {
	if b == nil {
		return
	}
	class := classOf(cap(b.b))
	if class >= len(pools) || cap(b.b) != 1<<(minShift+class) {
		return
	}
	b.b = b.b[:0]
	pools[class].Put(b)
}

// Len returns the number of bytes held.
func (b *Buffer) Len() int {
	if b == nil {
		return 0
	}
	return len(b.b)
}

// Cap returns the number of bytes that the buffer holds without growing.
func (b *Buffer) Cap() int { return cap(b.b) }

// Bytes returns the bytes held. They are valid until the buffer grows or is freed.
func (b *Buffer) Bytes() []byte {
	if b == nil {
		return nil
	}
	return b.b
}

// Set makes p the content. p is normally the buffer's own slice after an append to it; when that append moved to
// a larger array, the buffer keeps the larger one.
func (b *Buffer) Set(p []byte) { b.b = p }

// Space returns the unused capacity as a slice to read into; Commit then adds what was read.
func (b *Buffer) Space() []byte { return b.b[len(b.b):cap(b.b)] }

// Commit adds the first n bytes of Space to the content.
func (b *Buffer) Commit(n int) { b.b = b.b[:len(b.b)+n] }

// Room makes the buffer hold n bytes more before it has to grow, and returns the unused capacity, as Space does.
func (b *Buffer) Room(n int) []byte {
	if n > cap(b.b)-len(b.b) {
		b.grow(n)
	}
	return b.b[len(b.b):cap(b.b)]
}

// Append adds p, moving to a larger class when it does not fit: the memory at least doubles, so that a message
// that arrives in many pieces is copied a constant number of times per byte.
func (b *Buffer) Append(p []byte) {
	if len(p) > cap(b.b)-len(b.b) {
		b.grow(len(p))
	}
	b.b = append(b.b, p...)
}

// grow makes room for n bytes more.
func (b *Buffer) grow(n int) {
	larger := Get(max(len(b.b)+n, 2*cap(b.b)))
	larger.b = append(larger.b, b.b...)
	b.b, larger.b = larger.b, b.b
	larger.Free()
}

// classOf returns the index of the smallest class that holds n bytes; it is out of range for what is not pooled.
func classOf(n int) int {
	if n <= 1<<minShift {
		return 0
	}
	return bits.Len(uint(n-1)) - minShift
}
