//go:build linux

package report

import (
	"bytes"
	"fmt"
	"time"

	"github.com/molva-ws/molva/bench/internal/kernels"
	"github.com/molva-ws/molva/bench/internal/ledger"
)

// kernels tells how fast the loops are that touch every byte.
func (d *Document) kernels(w *bytes.Buffer) {
	fmt.Fprint(w, "## Every byte\n\nThe loops of package `wire` that touch every byte of a message, on one processor, in its cache.\n\n")
	if d.Kernels == nil {
		fmt.Fprint(w, "Not measured.\n")
		return
	}
	k := d.Kernels
	fmt.Fprintf(w, "At %s, %s. Medians of %d runs, in turn, with the smallest and the largest; again: `%s -again -only %s`, or\n"+
		"`go test ./wire -run '^$' -bench '%s'`\n\n", k.Commit, k.Ended.UTC().Format(time.DateOnly), k.Repeats, d.Command,
		ledger.KernelsKey, kernels.Pattern)
	fmt.Fprint(w, "| GB/s | 1 KiB | 64 KiB |\n|---|---:|---:|\n")
	for _, one := range kernels.All {
		fmt.Fprintf(w, "| %s |", one.Title)
		for _, size := range kernels.Sizes {
			s := k.Figures.Of(one, size)
			fmt.Fprintf(w, " %.1f (%.1f–%.1f) |", s.Median/1e9, s.Min/1e9, s.Max/1e9)
		}
		fmt.Fprintln(w)
	}
}
