// Package stats condenses repeated runs into a median with its spread.
package stats

import (
	"fmt"
	"slices"
)

// Spread is what repeated runs of one thing gave.
type Spread struct {
	Median, Min, Max float64
}

// Of condenses the values of repeated runs; of none it is zero. The values are
// left as they are.
func Of(values []float64) Spread {
	if len(values) == 0 {
		return Spread{}
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	median := sorted[middle]
	if len(sorted)%2 == 0 {
		median = (sorted[middle-1] + median) / 2
	}
	return Spread{Median: median, Min: sorted[0], Max: sorted[len(sorted)-1]}
}

// Ratios divides the runs of one contender by those of the baseline that were
// interleaved with them, pair by pair, so that what slowed the machine for a
// while slows both sides of a ratio.
func Ratios(values, baseline []float64) Spread {
	ratios := make([]float64, 0, len(values))
	for i := range min(len(values), len(baseline)) {
		if baseline[i] > 0 {
			ratios = append(ratios, values[i]/baseline[i])
		}
	}
	return Of(ratios)
}

// String reads "0.97 (0.95–0.99)".
func (s Spread) String() string {
	return fmt.Sprintf("%.2f (%.2f–%.2f)", s.Median, s.Min, s.Max)
}
