//go:build linux

package contest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Sample is what one run found.
type Sample struct {
	PerSecond    float64 `json:"per_second"` // messages, deliveries or connections
	PerCPUSecond float64 `json:"per_cpu_second"`
	ServerBusy   float64 `json:"server_busy"` // processor time per time: 1 is one processor in full
	ClientBusy   float64 `json:"client_busy"`
	P50Micros    float64 `json:"p50_us"`
	P99Micros    float64 `json:"p99_us"`
	ServerRSS    float64 `json:"server_rss"`     // bytes, all connections open
	BytesPerConn float64 `json:"bytes_per_conn"` // what opening them added
}

// Timing is how long a run lasts.
type Timing struct {
	Duration time.Duration // measured
	Warmup   time.Duration // before it
	Hold     time.Duration // of Idle: before its memory is read
}

// generator is what drives a server: the only place that knows the load generators' flags and reports. Connect has one
// of its own.
type generator struct {
	load     string
	connrate string
}

func (w *workshop) generator(ctx context.Context) (g generator, err error) {
	if g.load, err = w.build(ctx, benchModule+"load"); err != nil {
		return g, err
	}
	g.connrate, err = w.build(ctx, benchModule+"connrate")
	return g, err
}

// unfit says why there is no generator for a cell.
func (generator) unfit(c Cell) string {
	if c.Compress {
		return "the load generator does not compress yet"
	}
	return ""
}

func (g generator) command(c Cell, t Timing, raw bool, addr string, pid int) []string {
	args := []string{g.load, "-json", "-addr", addr, "-pid", strconv.Itoa(pid), "-raw=" + strconv.FormatBool(raw),
		"-conns", strconv.Itoa(c.Conns), "-warmup", t.Warmup.String(), "-duration", t.Duration.String()}
	if c.Mode == Connect {
		args[0] = g.connrate
		return args
	}
	return append(args, "-mode", string(c.Mode), "-hold", t.Hold.String(), "-text="+strconv.FormatBool(c.Text),
		"-size", strconv.Itoa(c.Size), "-inflight", strconv.Itoa(c.Inflight))
}

// errNoFigures says that a generator's report holds nothing: a run that measured nothing is not a result.
var errNoFigures = errors.New("the load generator counted nothing")

func (generator) parse(report []byte) (Sample, error) {
	var r struct {
		PerSecond    float64 `json:"messages_per_second"`
		PerCPUSecond float64 `json:"messages_per_server_cpu_second"`
		ServerBusy   float64 `json:"server_busy"`
		ClientBusy   float64 `json:"client_busy"`
		P50Micros    float64 `json:"p50_us"`
		P99Micros    float64 `json:"p99_us"`
		ServerRSS    float64 `json:"server_rss"`
		BytesPerConn float64 `json:"rss_per_conn"`
	}
	if err := json.Unmarshal(report, &r); err != nil {
		return Sample{}, fmt.Errorf("report of the load generator: %w", err)
	}
	if r.PerSecond <= 0 {
		return Sample{}, errNoFigures
	}
	return Sample(r), nil
}
