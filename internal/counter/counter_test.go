package counter

import (
	"sync"
	"testing"
	"unsafe"
)

func TestCounterAddsUp(t *testing.T) {
	var c Counter
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() {
			for range 1000 {
				key := new([40]byte)
				c.Add(unsafe.Pointer(key), 3)
			}
		})
	}
	running.Wait()
	if got := c.Load(); got != 24_000 {
		t.Errorf("counted %d, want 24000", got)
	}
}

func TestNeighboursAddInDifferentPlaces(t *testing.T) {
	for _, size := range []uintptr{256, 320, 352, 384, 512} {
		var c Counter
		block := make([]byte, size*1024)
		for i := range uintptr(1024) {
			c.Add(unsafe.Pointer(&block[i*size]), 1)
		}
		for i := range c.shards {
			if n := c.shards[i].n.Load(); n == 0 || n > 4*1024/shards {
				t.Errorf("objects of %d bytes: %d of 1024 in one place", size, n)
			}
		}
	}
}

func BenchmarkAdd(b *testing.B) {
	var c Counter
	b.RunParallel(func(pb *testing.PB) {
		key := unsafe.Pointer(new([64]byte))
		for pb.Next() {
			c.Add(key, 1)
		}
	})
}
