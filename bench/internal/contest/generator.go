//go:build linux

package contest

import (
	"cmp"
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

	// Of Idle only.
	OpenSeconds    float64 `json:"open_seconds,omitempty"`     // until all were open
	MachinePerConn float64 `json:"machine_per_conn,omitempty"` // bytes that the machine has less: both ends, and the kernel's part
	Processes      int     `json:"processes,omitempty"`        // of the server
	Echoes         int     `json:"echoes,omitempty"`           // that showed that the connections live

	Took float64 `json:"took"` // seconds for the whole run, from the start of the server to its end
}

// Timing is how long a run lasts.
type Timing struct {
	Duration time.Duration // measured
	Warmup   time.Duration // before it
	Hold     time.Duration // of Idle: before the memory is read
}

// muchUnderWay is so many bytes that the slowest servers take seconds to send them round once.
const muchUnderWay = 256 << 20

// of returns the timing of a cell: where much is under way, longer than of others.
func (t Timing) of(c Cell) Timing {
	if c.Mode == Echo && c.Size*c.Conns*c.Inflight >= muchUnderWay {
		t.Duration, t.Warmup = 3*t.Duration, 4*t.Warmup
	}
	return t
}

// generator is what drives a server: the only place that knows the load generators' flags and reports. Connect has one
// of its own.
type generator struct {
	molva    string
	connrate string
}

func (w *workshop) generator(ctx context.Context) (g generator, err error) {
	if g.molva, err = w.build(ctx, molvaCommand); err != nil {
		return g, err
	}
	g.connrate, err = w.build(ctx, benchModule+"connrate")
	return g, err
}

// command drives one server process, and tells what it used.
func (g generator) command(c Cell, t Timing, raw bool, server *process) []string {
	pid := strconv.Itoa(server.cmd.Process.Pid)
	if c.Mode == Connect {
		return []string{g.connrate, "-addr", server.addr, "-pid", pid, "-raw=" + strconv.FormatBool(raw),
			"-conns", strconv.Itoa(c.Conns), "-warmup", t.Warmup.String(), "-duration", t.Duration.String()}
	}
	args := append(g.bench(c, raw, server.addr, c.Conns), "--pid", pid, "--inflight", strconv.Itoa(c.Inflight),
		"--warmup", t.Warmup.String(), "--duration", t.Duration.String())
	if c.Compress {
		args = append(args, "--compress")
	}
	return args
}

// untilTold is longer than anything lasts here.
const untilTold = 24 * time.Hour

// holdCommand opens connections from some addresses and holds them until it is interrupted; then some of them echo.
func (g generator) holdCommand(c Cell, raw bool, addr, sources string, conns int) []string {
	return append(g.bench(c, raw, addr, conns), "--source", sources, "--hold", untilTold.String())
}

// openingPatience is enough for the slowest server, with all others of a crowd at work on the same processor.
const openingPatience = 2 * time.Minute

func (g generator) bench(c Cell, raw bool, addr string, conns int) []string {
	args := []string{g.molva, "bench", string(c.Mode), "ws://" + addr + "/", "--json", "--quiet", "--loops", "1",
		"--conns", strconv.Itoa(conns), "--size", strconv.Itoa(c.Size), "--kind", cmp.Or(c.Kind, "binary"),
		"--timeout", openingPatience.String()}
	if raw {
		args = append(args, "--raw")
	}
	return args
}

// report is the common part of what the load generators print. What concerns the server's processes is zero where they
// were not told of any.
type report struct {
	Messages     int     `json:"messages"`
	PerSecond    float64 `json:"messages_per_second"`
	PerCPUSecond float64 `json:"messages_per_server_cpu_second"`
	ServerBusy   float64 `json:"server_busy"`
	ClientBusy   float64 `json:"client_busy"`
	P50Micros    float64 `json:"p50_us"`
	P99Micros    float64 `json:"p99_us"`
	ServerRSS    float64 `json:"server_rss_bytes"`
	BytesPerConn float64 `json:"server_rss_bytes_per_conn"`
	// Faults counts by kind what was lost, doubled, out of order or corrupt.
	Faults map[string]uint64 `json:"fault_counts"`
}

// What is wrong with a report.
var (
	errReport    = errors.New("the load generator's report cannot be read")
	errNoFigures = errors.New("the load generator counted nothing")
	errFaults    = errors.New("what came back was not what was sent")
)

// parseReport reads a report. A run that counted nothing is not a result, nor is one in which something went astray.
func parseReport(printed []byte) (r report, err error) {
	if err := json.Unmarshal(printed, &r); err != nil {
		return r, fmt.Errorf("%w: %w", errReport, err)
	}
	if r.Messages <= 0 || r.PerSecond <= 0 {
		return r, errNoFigures
	}
	if len(r.Faults) > 0 {
		return r, fmt.Errorf("%w: %v", errFaults, r.Faults)
	}
	return r, nil
}

func (r report) sample() Sample {
	return Sample{
		PerSecond: r.PerSecond, PerCPUSecond: r.PerCPUSecond,
		ServerBusy: r.ServerBusy, ClientBusy: r.ClientBusy,
		P50Micros: r.P50Micros, P99Micros: r.P99Micros,
		ServerRSS: r.ServerRSS, BytesPerConn: r.BytesPerConn,
	}
}
