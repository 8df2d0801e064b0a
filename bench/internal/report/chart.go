//go:build linux

package report

import (
	"bytes"
	"fmt"
	"html"
	"strings"

	"github.com/molva-ws/molva/bench/internal/contest"
	"github.com/molva-ws/molva/bench/internal/stats"
)

// Measures of a chart, in pixels.
const (
	chartWidth  = 720
	chartLabels = 190 // where the bars begin
	chartFigure = 76  // what is left for the figure behind the longest bar
	chartTop    = 62
	chartBar    = 14
	chartPitch  = 22
	chartMargin = 16
)

// chartStyle has colours of its own in the light and in the dark, and a background, so that it can be read on any page.
const chartStyle = `
  .card { fill: #ffffff; stroke: #d0d7de }
  text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328 }
  .title { font-size: 15px; font-weight: 600 }
  .quiet { fill: #59636e }
  .limit { fill: #afb8c1 }
  .molva { fill: #0b7a75 }
  .peer { fill: #6b8fc4 }
  .spread { stroke: #1f2328; stroke-width: 1.2; opacity: .65 }
  .strong { font-weight: 600 }
  @media (prefers-color-scheme: dark) {
    .card { fill: #0d1117; stroke: #30363d }
    text { fill: #e6edf3 }
    .quiet { fill: #9198a1 }
    .limit { fill: #484f58 }
    .molva { fill: #2bb5a9 }
    .peer { fill: #4a6fa5 }
    .spread { stroke: #e6edf3 }
  }
`

// Chart draws the servers of a cell as bars, with a line from the smallest to the largest of the runs. It is an SVG
// image without anything from elsewhere.
func Chart(o *contest.Outcome, title string) []byte {
	rows := measured(o)
	longest := 0.0
	for _, r := range rows {
		longest = max(longest, o.Value(r).Max)
	}
	height := chartTop + len(rows)*chartPitch + chartMargin
	better := "more is better"
	if o.Cell.Mode.LessIsBetter() {
		better = "less is better"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%[1]d" height="%d" role="img" aria-label="%s">`,
		chartWidth, height, html.EscapeString(title+": "+inWords(o, rows)))
	fmt.Fprintf(&b, "\n<style>%s</style>\n", chartStyle)
	fmt.Fprintf(&b, `<rect class="card" x=".5" y=".5" width="%d" height="%d" rx="8"/>`+"\n", chartWidth-1, height-1)
	fmt.Fprintf(&b, `<text class="title" x="%d" y="26">%s</text>`+"\n", chartMargin, html.EscapeString(title))
	fmt.Fprintf(&b, `<text class="quiet" x="%d" y="46">%s, %s; one processor; the line is the spread of %d runs</text>`+"\n",
		chartMargin, o.Cell.Mode.Unit(), better, o.Repeats)
	for i, r := range rows {
		drawBar(&b, r, o.Value(r), chartTop+i*chartPitch, longest)
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func drawBar(b *bytes.Buffer, r *contest.Row, s stats.Spread, top int, longest float64) {
	width := func(v float64) float64 { return max(1, v/longest*(chartWidth-chartLabels-chartFigure-chartMargin)) }
	class := map[contest.Role]string{contest.Limit: "limit", contest.Own: "molva"}[r.Role]
	weight := "strong"
	if class != "molva" {
		weight = "quiet"
	}
	if class == "" {
		class = "peer"
	}
	middle := float64(top) + chartBar/2
	fmt.Fprintf(b, `<text class="%s" x="%d" y="%.1f" text-anchor="end">%s</text>`, weight, chartLabels-8, middle+4,
		html.EscapeString(r.Title))
	fmt.Fprintf(b, `<rect class="%s" x="%d" y="%d" width="%.1f" height="%d" rx="2"/>`, class, chartLabels, top,
		width(s.Median), chartBar)
	fmt.Fprintf(b, `<path class="spread" d="M%.1f %.1fH%.1f"/>`, chartLabels+width(s.Min), middle, chartLabels+width(s.Max))
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f">%s</text>`+"\n", chartLabels+width(s.Max)+6, middle+4, Figure(s.Median))
}

func measured(o *contest.Outcome) (rows []*contest.Row) {
	for _, r := range o.Ranked() {
		if r.Measured() {
			rows = append(rows, r)
		}
	}
	return rows
}

// inWords is for who cannot see the chart.
func inWords(o *contest.Outcome, rows []*contest.Row) string {
	var parts []string
	for _, r := range rows {
		parts = append(parts, r.Title+" "+Figure(o.Value(r).Median))
	}
	return strings.Join(parts, ", ") + " " + o.Cell.Mode.Unit()
}
