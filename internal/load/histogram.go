package load

import (
	"iter"
	"math"
	"math/bits"
	"time"
)

// A bucket is a 128th of its power of two, so a value is known to 0.8 percent.
const (
	subBits = 7
	sub     = 1 << subBits
)

// Histogram counts durations in buckets that are laid out as those of HdrHistogram: linear within each power of two.
// It is of a fixed size and precision, which makes Record one shift and two additions; that matters at millions of
// messages a second. The zero value is empty and ready.
type Histogram struct {
	counts [(64 - subBits) * sub]uint64
	total  uint64
	sum    time.Duration
	max    time.Duration
}

// Record counts one duration; a negative one counts as zero.
func (h *Histogram) Record(d time.Duration) {
	d = max(d, 0)
	h.counts[bucket(d)]++
	h.total++
	h.sum += d
	h.max = max(h.max, d)
}

// Add counts everything that other has counted.
func (h *Histogram) Add(other *Histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.total += other.total
	h.sum += other.sum
	h.max = max(h.max, other.max)
}

// Count returns the number of durations recorded.
func (h *Histogram) Count() uint64 { return h.total }

// Max returns the largest duration recorded, exactly.
func (h *Histogram) Max() time.Duration { return h.max }

// Mean returns the mean of the durations recorded, zero if there are none.
func (h *Histogram) Mean() time.Duration {
	if h.total == 0 {
		return 0
	}
	return h.sum / time.Duration(h.total)
}

// All returns the buckets that are not empty, in order: the largest duration each holds, and how many were recorded.
func (h *Histogram) All() iter.Seq2[time.Duration, uint64] {
	return func(yield func(time.Duration, uint64) bool) {
		for i, n := range h.counts {
			if n > 0 && !yield(min(upperEdge(i), h.max), n) {
				return
			}
		}
	}
}

// Percentile returns a duration that p percent of those recorded do not exceed: the upper edge of the bucket in which
// that one lies. Of nothing it is zero.
func (h *Histogram) Percentile(p float64) time.Duration {
	rank := max(uint64(math.Ceil(p/100*float64(h.total))), 1)
	var seen uint64
	for i, n := range h.counts {
		if seen += n; seen >= rank {
			return min(upperEdge(i), h.max)
		}
	}
	return h.max
}

// bucket maps the values below 2*sub to themselves; above, each power of two has sub buckets.
func bucket(d time.Duration) int {
	shift := max(bits.Len64(uint64(d))-subBits-1, 0)
	return shift*sub + int(uint64(d)>>shift)
}

func upperEdge(bucket int) time.Duration {
	shift := max(bucket/sub-1, 0)
	return time.Duration((uint64(bucket-shift*sub)+1)<<shift - 1)
}
