package benchreport

import (
	"fmt"
	"io"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/molva-ws/molva/internal/load"
)

// WritePercentiles writes the latencies in the text form of HdrHistogram, in milliseconds, which its plotter reads.
func WritePercentiles(w io.Writer, result *load.Result) error {
	h := hdrhistogram.New(1, max(2, int64(result.Latency.Max())), 3)
	for d, n := range result.Latency.All() {
		if err := h.RecordValues(max(1, int64(d)), int64(n)); err != nil {
			return fmt.Errorf("the histogram of latencies: %w", err)
		}
	}
	_, err := h.PercentilesPrint(w, 5, float64(time.Millisecond))
	return err
}
