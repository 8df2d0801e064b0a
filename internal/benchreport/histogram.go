package benchreport

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/molva-ws/molva/internal/load"
)

// steps divide each power of ten.
var steps = [...]float64{1, 1.5, 2, 3, 5, 7}

// A bar is all that took up to a time, and longer than the bar before.
type bar struct {
	upTo  time.Duration
	count uint64
}

// bars sums a histogram up by steps that a person can read, from the first that holds something to the last.
func bars(h *load.Histogram) []bar {
	var all []bar
	for d, n := range h.All() {
		edge := edgeAbove(d)
		for len(all) > 0 && all[len(all)-1].upTo < edge {
			all = append(all, bar{upTo: edgeAbove(all[len(all)-1].upTo + 1)})
		}
		if len(all) == 0 {
			all = append(all, bar{upTo: edge})
		}
		all[len(all)-1].count += n
	}
	return all
}

// edgeAbove returns the first edge that is not below d.
func edgeAbove(d time.Duration) time.Duration {
	power := math.Pow(10, math.Floor(math.Log10(float64(max(d, 1000)))))
	for _, step := range steps {
		if edge := time.Duration(math.Round(power * step)); edge >= d {
			return edge
		}
	}
	return time.Duration(math.Round(10 * power))
}

// barWidth is that of the longest.
const barWidth = 40

// eighths are the parts of a character's width.
var eighths = []rune(" ▏▎▍▌▋▊▉")

// drawn returns a bar for a part of the largest.
func drawn(part float64) string {
	n := int(math.Ceil(part * barWidth * 8))
	text := strings.Repeat("█", n/8)
	if n%8 > 0 {
		text += string(eighths[n%8])
	}
	return text
}

// histogram draws the latencies of a run.
func (r *report) histogram(h *load.Histogram) {
	all := bars(h)
	var largest uint64
	for _, b := range all {
		largest = max(largest, b.count)
	}
	for _, b := range all {
		share := float64(b.count) / float64(h.Count())
		r.line("  %10s %s%-*s%s %s", "≤ "+aligned(b.upTo), r.bar, barWidth, drawn(float64(b.count)/float64(largest)), r.plain,
			percent(share, b.count))
	}
}

// percent tells a share, and the count where that says more.
func percent(share float64, n uint64) string {
	if share < 0.001 {
		return fmt.Sprintf("%6s", grouped(n))
	}
	return fmt.Sprintf("%5.1f%%", 100*share)
}
