//go:build linux

// Package report makes of measurements what people read: tables, charts and docs/benchmarks.md.
package report

import (
	"fmt"
	"io"
	"math"
	"strings"
	"text/tabwriter"

	"github.com/molva-ws/molva/bench/internal/contest"
	"github.com/molva-ws/molva/bench/internal/stats"
)

// Table is the servers of a cell, from the best to the worst.
type Table struct {
	Head []string
	Rows [][]string
}

// column is one figure of a row.
type column struct {
	head string
	cell func(o *contest.Outcome, r *contest.Row) string
}

// Of returns the table of an outcome. Servers without figures are not in it; [Remarks] names them.
func Of(o *contest.Outcome) Table {
	columns := columnsOf(o)
	var t Table
	for _, c := range columns {
		t.Head = append(t.Head, c.head)
	}
	for _, r := range o.Ranked() {
		if !r.Measured() {
			continue
		}
		row := make([]string, len(columns))
		for i, c := range columns {
			row[i] = c.cell(o, r)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func columnsOf(o *contest.Outcome) []column {
	columns := []column{
		{"server", func(_ *contest.Outcome, r *contest.Row) string { return r.Title }},
		{o.Cell.Mode.Unit(), func(o *contest.Outcome, r *contest.Row) string { return Figure(o.Value(r).Median) }},
	}
	for _, to := range bases(o) {
		columns = append(columns, ratioTo("to "+to.Name, to))
	}
	if o.Cell.Mode == contest.Idle {
		return append(columns,
			median("of the machine", func(s contest.Sample) float64 { return s.MachinePerConn }, Figure),
			median("echoed", func(s contest.Sample) float64 { return float64(s.Echoes) }, Figure),
			median("processes", func(s contest.Sample) float64 { return float64(s.Processes) }, Figure),
			median("open within", func(s contest.Sample) float64 { return s.OpenSeconds }, seconds))
	}
	return append(columns,
		median("per second", func(s contest.Sample) float64 { return s.PerSecond }, Figure),
		median("p50", func(s contest.Sample) float64 { return s.P50Micros }, micros),
		median("p99", func(s contest.Sample) float64 { return s.P99Micros }, micros),
		median("busy", func(s contest.Sample) float64 { return s.ServerBusy }, percent),
		median("client", func(s contest.Sample) float64 { return s.ClientBusy }, percent),
		median("memory", func(s contest.Sample) float64 { return s.ServerRSS }, megabytes))
}

// bases are what ratios are to: the limit and molva, or else whoever is first.
func bases(o *contest.Outcome) (rows []*contest.Row) {
	if len(o.Rows) < 2 {
		return nil
	}
	for _, r := range []*contest.Row{o.Best(contest.Limit), o.Molva()} {
		if r != nil {
			rows = append(rows, r)
		}
	}
	if rows == nil && o.Rows[0].Measured() {
		rows = append(rows, &o.Rows[0])
	}
	return rows
}

func ratioTo(head string, to *contest.Row) column {
	return column{head, func(o *contest.Outcome, r *contest.Row) string { return Ratio(o.Ratio(r, to)) }}
}

func median(head string, of func(contest.Sample) float64, form func(float64) string) column {
	return column{head, func(_ *contest.Outcome, r *contest.Row) string { return form(r.Spread(of).Median) }}
}

// Markdown writes the table as Markdown has it, the first column to the left and figures to the right.
func (t Table) Markdown(w io.Writer) {
	fmt.Fprintf(w, "| %s |\n|---|%s\n", strings.Join(t.Head, " | "), strings.Repeat("---:|", len(t.Head)-1))
	for _, row := range t.Rows {
		fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
	}
}

// Text writes the table for a terminal.
func (t Table) Text(w io.Writer) error {
	aligned := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range append([][]string{t.Head}, t.Rows...) {
		fmt.Fprintf(aligned, "%s\t\n", strings.Join(row, "\t"))
	}
	return aligned.Flush()
}

// Ratio writes a ratio with its spread, as "0.97 (0.95–0.99)", and large ones shorter.
func Ratio(s stats.Spread) string {
	switch {
	case s == stats.Spread{}:
		return "–"
	case s.Min == s.Max:
		return times(s.Median)
	}
	return fmt.Sprintf("%s (%s–%s)", times(s.Median), times(s.Min), times(s.Max))
}

func times(f float64) string {
	switch {
	case f < 0.1:
		return fmt.Sprintf("%.3f", f)
	case f >= 10:
		return fmt.Sprintf("%.0f", f)
	}
	return fmt.Sprintf("%.2f", f)
}

// Figure writes a number with three significant digits, which is more than measuring gives.
func Figure(f float64) string {
	if f <= 0 {
		return "–"
	}
	if step := math.Pow(10, math.Floor(math.Log10(f))-2); step > 1 {
		f = math.Round(f/step) * step
	}
	return contest.Thousands(int(math.Round(f)))
}

func micros(f float64) string {
	switch {
	case f <= 0:
		return "–"
	case f < 1000:
		return fmt.Sprintf("%.0f µs", f)
	case f < 10_000:
		return fmt.Sprintf("%.1f ms", f/1000)
	case f < 1_000_000:
		return fmt.Sprintf("%.0f ms", f/1000)
	}
	return fmt.Sprintf("%.1f s", f/1e6)
}

func seconds(f float64) string { return fmt.Sprintf("%.1f s", f) }

func percent(f float64) string { return fmt.Sprintf("%.0f %%", 100*f) }

func megabytes(f float64) string { return Figure(f/1e6) + " MB" }
