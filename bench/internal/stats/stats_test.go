package stats

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestEveryValueLiesInItsBucket(t *testing.T) {
	values := []time.Duration{0, 1, 31, 32, 63, 64, 65, 127, 128, 1<<62 - 1, 1 << 62, 1<<63 - 1}
	for range 10_000 {
		values = append(values, time.Duration(rand.Uint64()>>1>>rand.UintN(63)))
	}
	for _, d := range values {
		i := bucket(d)
		if d > upperEdge(i) || i > 0 && d <= upperEdge(i-1) {
			t.Fatalf("%d is in bucket %d, which ends at %d", d, i, upperEdge(i))
		}
	}
}

func TestPercentilesWithinThreePercent(t *testing.T) {
	var h Histogram
	var all []time.Duration
	for range 20_000 {
		d := time.Duration(rand.ExpFloat64() * float64(time.Millisecond))
		all = append(all, d)
		h.Record(d)
	}
	slices.Sort(all)
	for _, p := range []float64{1, 50, 90, 99, 99.9, 100} {
		want := all[min(int(p/100*float64(len(all))), len(all)-1)]
		got := h.Percentile(p)
		if got < want-want/20 || got > want+want/20+1 {
			t.Errorf("p%v is %v, want %v", p, got, want)
		}
	}
	if h.Count() != 20_000 || h.Max() != all[len(all)-1] {
		t.Errorf("count %d, max %v", h.Count(), h.Max())
	}
}

func TestPercentilesOfFew(t *testing.T) {
	var h Histogram
	if got := h.Percentile(50); got != 0 {
		t.Errorf("p50 of nothing is %v", got)
	}
	h.Record(-1)
	h.Record(10)
	h.Record(20)
	for p, want := range map[float64]time.Duration{0: 0, 33: 0, 34: 10, 66: 10, 67: 20, 100: 20} {
		if got := h.Percentile(p); got != want {
			t.Errorf("p%v is %d, want %d", p, got, want)
		}
	}
}

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   Spread
	}{
		{nil, Spread{}},
		{[]float64{3}, Spread{3, 3, 3}},
		{[]float64{9, 1, 4}, Spread{4, 1, 9}},
		{[]float64{9, 1, 4, 6}, Spread{5, 1, 9}},
	} {
		if got := Of(c.values); got != c.want {
			t.Errorf("%v: %v, want %v", c.values, got, c.want)
		}
	}
}

func TestRatiosArePairwise(t *testing.T) {
	got := Ratios([]float64{50, 10, 200}, []float64{100, 10, 100})
	if want := (Spread{Median: 1, Min: 0.5, Max: 2}); got != want {
		t.Errorf("%v, want %v", got, want)
	}
	if got := Ratios([]float64{1}, []float64{0}); got != (Spread{}) {
		t.Errorf("division by a failed baseline gave %v", got)
	}
}
