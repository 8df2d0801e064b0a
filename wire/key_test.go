package wire

import (
	"math/bits"
	"sync"
	"testing"
)

func TestNewKeyNeverRepeatsItself(t *testing.T) {
	const goroutines, each = 8, 4 * keyBatch
	drawn := make([][]uint32, goroutines)
	var wg sync.WaitGroup
	for i := range drawn {
		wg.Go(func() {
			for range each {
				drawn[i] = append(drawn[i], NewKey())
			}
		})
	}
	wg.Wait()

	// Of so many random keys, 0.008 pairs are expected to be equal.
	times, equal := map[uint32]int{}, 0
	for _, keys := range drawn {
		for _, key := range keys {
			equal += times[key]
			times[key]++
		}
	}
	if equal > 2 {
		t.Errorf("%d pairs of equal keys among %d", equal, goroutines*each)
	}
}

func TestNewKeyUsesEveryBit(t *testing.T) {
	const n = 100 * keyBatch
	var set [32]int
	ones := 0
	for range n {
		key := NewKey()
		ones += bits.OnesCount32(key)
		for i := range set {
			set[i] += int(key >> i & 1)
		}
	}
	for i, got := range set { // the standard deviation of each is 80
		if got < n/2-800 || got > n/2+800 {
			t.Errorf("bit %d is set in %d of %d keys", i, got, n)
		}
	}
	if ones < 16*n-6000 || ones > 16*n+6000 { // the standard deviation is 453
		t.Errorf("%d ones in %d keys", ones, n)
	}
}

func BenchmarkNewKey(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		NewKey()
	}
}
