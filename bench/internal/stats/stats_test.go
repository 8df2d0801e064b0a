package stats

import "testing"

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
