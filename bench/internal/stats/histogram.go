// Package stats condenses measurements: latencies into percentiles, repeated
// runs into a median with its spread.
package stats

import (
	"math"
	"math/bits"
	"time"
)

// A bucket is a 32nd of its power of two, so a value is known to 3 percent.
const (
	subBits = 5
	sub     = 1 << subBits
)

// Histogram counts durations in logarithmic buckets, without allocating. The
// zero value is empty and ready.
type Histogram struct {
	counts [(64 - subBits) * sub]uint64
	total  uint64
	max    time.Duration
}

// Record counts one duration; a negative one counts as zero.
func (h *Histogram) Record(d time.Duration) {
	d = max(d, 0)
	h.counts[bucket(d)]++
	h.total++
	h.max = max(h.max, d)
}

// Count is the number of durations recorded.
func (h *Histogram) Count() uint64 { return h.total }

// Max is the largest duration recorded, exactly.
func (h *Histogram) Max() time.Duration { return h.max }

// Percentile returns a duration that p percent of those recorded do not exceed:
// the upper edge of the bucket in which that one lies. Of nothing it is zero.
func (h *Histogram) Percentile(p float64) time.Duration {
	rank := max(uint64(math.Ceil(p/100*float64(h.total))), 1)
	var seen uint64
	for i, n := range h.counts {
		seen += n
		if seen >= rank {
			return min(upperEdge(i), h.max)
		}
	}
	return h.max
}

// bucket maps the values below 2*sub to themselves; above, each power of two
// has sub buckets.
func bucket(d time.Duration) int {
	shift := max(bits.Len64(uint64(d))-subBits-1, 0)
	return shift*sub + int(uint64(d)>>shift)
}

func upperEdge(bucket int) time.Duration {
	shift := max(bucket/sub-1, 0)
	return time.Duration((uint64(bucket-shift*sub)+1)<<shift - 1)
}
