package benchreport

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/molva-ws/molva/internal/load"
)

// WriteJSON writes a result in one line.
func WriteJSON(w io.Writer, result *load.Result) error { return json.NewEncoder(w).Encode(result) }

// report is a page that is being written.
type report struct {
	*load.Result
	text             strings.Builder
	bold, bar, plain string
}

// Write writes a result for a person to read.
func Write(w io.Writer, result *load.Result, colors bool) error {
	r := &report{Result: result}
	if colors {
		r.bold, r.bar, r.plain = "\x1b[1m", "\x1b[36m", "\x1b[0m"
	}
	r.head()
	r.messages()
	r.latency()
	r.server()
	r.notes()
	_, err := io.WriteString(w, r.text.String())
	return err
}

func (r *report) line(format string, args ...any) {
	r.text.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " "))
	r.text.WriteByte('\n')
}

func (r *report) row(label, format string, args ...any) {
	r.line("  %-26s%s", label, fmt.Sprintf(format, args...))
}

func (r *report) title(format string, args ...any) {
	r.line("\n%s%s%s", r.bold, fmt.Sprintf(format, args...), r.plain)
}

// head says what was done.
func (r *report) head() {
	text := fmt.Sprintf("%s: %s", r.Mode, plural(r.Conns, "connection"))
	if r.Inflight > 1 {
		text += fmt.Sprintf(", %d in flight", r.Inflight)
	}
	if r.Mode == load.Soak {
		text += fmt.Sprintf(", up to %s", plural(r.Size, "byte"))
	} else {
		text += fmt.Sprintf(", %s of %s", plural(r.Size, "byte"), r.Kind)
	}
	if r.Compress {
		text += ", compressed"
	}
	if r.Rate > 0 {
		text += fmt.Sprintf(", %s/s wanted", rounded(r.Rate))
	}
	r.title("%s", text)
	r.row("server", "%s%s", r.URL, map[bool]string{true: ", in molva's client protocol"}[r.Molva])
	r.row("opened in", "%s, %s/s", seconds(r.OpenSeconds), rounded(float64(r.Conns)/r.OpenSeconds))
}

// messages says how much came back.
func (r *report) messages() {
	switch r.Mode {
	case load.Idle:
		r.row("then echoed", "%s, each on a connection of its own", plural(r.Messages, "message"))
	case load.Storm:
		r.rounds()
	case load.Fanout:
		published := float64(r.Messages) / float64(r.Conns-1)
		r.row("deliveries", "%s in %s", grouped(r.Messages), seconds(r.Seconds))
		r.row("deliveries a second", "%s", rounded(r.MessagesPerSecond))
		r.row("published a second", "%s, to %s each", rounded(published/r.Seconds), plural(r.Conns-1, "receiver"))
		r.row("payload a second", "%s", bytes(r.MessagesPerSecond*float64(r.Size)))
	case load.Soak:
		r.row("messages", "%s in %s", grouped(r.Messages), seconds(r.Seconds))
		r.row("messages a second", "%s", rounded(r.MessagesPerSecond))
		r.row("connections replaced", "%s", grouped(r.Reconnects))
		r.row("pings", "%s", grouped(r.Pings))
	default:
		r.row("messages", "%s in %s", grouped(r.Messages), seconds(r.Seconds))
		r.row("messages a second", "%s", rounded(r.MessagesPerSecond))
		r.row("payload a second", "%s each way", bytes(r.MessagesPerSecond*float64(r.Size)))
	}
}

func (r *report) rounds() {
	for i, round := range r.Rounds {
		label := fmt.Sprintf("round %d: all served in", i+1)
		r.row(label, "%s; half of them in %s, 99%% in %s", seconds(round.Seconds),
			span(micros(round.P50Micros)), span(micros(round.P99Micros)))
	}
	r.row("begun again", "%s", plural(r.Retries, "connection"))
}

// latency tells how long messages took.
func (r *report) latency() {
	if r.Latency == nil || r.Latency.Count() == 0 {
		return
	}
	runs, corrected := r.latencyRuns()
	r.title("latency, %s", runs)
	if corrected != "" {
		r.line("  %s", corrected)
	}
	r.percentiles()
	r.line("")
	r.histogram(r.Latency)
}

// percentiles are a table, with a column more where there are two ways to count.
func (r *report) percentiles() {
	second := func(func(*load.Percentiles) float64) string { return "" }
	if r.Uncorrected != nil {
		r.line("  %-8s%12s%16s", "", "from due", "from sending")
		second = func(of func(*load.Percentiles) float64) string { return aligned(micros(of(r.Uncorrected))) }
	}
	for _, p := range []struct {
		name string
		of   func(*load.Percentiles) float64
	}{
		{"mean", func(p *load.Percentiles) float64 { return p.MeanMicros }},
		{"50%", func(p *load.Percentiles) float64 { return p.P50Micros }},
		{"90%", func(p *load.Percentiles) float64 { return p.P90Micros }},
		{"99%", func(p *load.Percentiles) float64 { return p.P99Micros }},
		{"99.9%", func(p *load.Percentiles) float64 { return p.P999Micros }},
		{"100%", func(p *load.Percentiles) float64 { return p.MaxMicros }},
	} {
		r.line("  %-8s%12s%16s", p.name, aligned(micros(p.of(&r.Percentiles))), second(p.of))
	}
}

// latencyRuns says from when to when, and whether that is corrected for coordinated omission, where there may be some.
func (r *report) latencyRuns() (runs, corrected string) {
	const not = "not corrected for coordinated omission: the next message waits until "
	switch {
	case r.Corrected:
		return "from when a message was due to its receipt", "corrected for coordinated omission"
	case r.Mode == load.Storm:
		return "from the cut to the first echo on each connection, all rounds", ""
	case r.Mode == load.Idle:
		return "of the echoes at the end", ""
	case r.Mode == load.Fanout:
		return "from publishing to each receipt", not + "one has reached everyone"
	}
	return "from sending to receipt", not + "one comes back"
}

// counted is what the messages of a run are.
func (r *report) counted() string {
	switch r.Mode {
	case load.Fanout:
		return "deliveries"
	case load.Storm:
		return "connections"
	}
	return "messages"
}

// server tells what the server used.
func (r *report) server() {
	if r.ServerRSS == 0 {
		return
	}
	r.title("server")
	if r.Mode != load.Idle {
		r.row("CPU", "%s, %.0f%% of one processor", seconds(r.ServerCPUSeconds), 100*r.ServerBusy)
		if r.PerCPUSecond > 0 {
			r.row(r.counted()+" per CPU second", "%s", rounded(r.PerCPUSecond))
		}
	}
	r.row("memory", "%s with all connections open", bytes(float64(r.ServerRSS)))
	if r.BytesPerConn <= 0 {
		r.row("memory per connection", "not known: the server had room from before; start it again to see")
		return
	}
	r.row("memory per connection", "%s, by which opening one made it grow", bytes(r.BytesPerConn))
}
