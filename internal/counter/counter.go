// Package counter counts what happens often and in many places at once.
package counter

import (
	"sync/atomic"
	"unsafe"
)

const (
	shards     = 32
	shardShift = 32 - 5
	cacheLine  = 64
)

// Counter is a number that many goroutines add to without waiting for each other's cache line. The zero value is 0.
type Counter struct {
	shards [shards]struct {
		n atomic.Uint64
		_ [cacheLine - 8]byte
	}
}

// Add adds n. Whoever adds with the same key, the address of a connection for example, adds in the same place.
func (c *Counter) Add(key unsafe.Pointer, n uint64) {
	const golden = 0x9E3779B1 // 2^32 divided by the golden ratio spreads addresses that are evenly apart
	c.shards[uint32(uintptr(key)>>4)*golden>>shardShift].n.Add(n)
}

// Load returns the sum of what was added. It is no snapshot: it may lack what is being added meanwhile.
func (c *Counter) Load() uint64 {
	var sum uint64
	for i := range c.shards {
		sum += c.shards[i].n.Load()
	}
	return sum
}
