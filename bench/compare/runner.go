//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"text/tabwriter"

	"github.com/molva-ws/molva/bench/internal/proc"
	"github.com/molva-ws/molva/bench/internal/stats"
)

// cell is one kind of load.
type cell struct {
	Size     int `json:"size"`
	Conns    int `json:"conns"`
	Inflight int `json:"inflight"`
}

func (c cell) String() string {
	return fmt.Sprintf("%d bytes, %d connections, %d in flight", c.Size, c.Conns, c.Inflight)
}

// sample is what the load generator reports of a run, as far as it matters here.
type sample struct {
	MessagesPerSecond float64 `json:"messages_per_second"`
	PerCPUSecond      float64 `json:"messages_per_server_cpu_second"`
	ServerBusy        float64 `json:"server_busy"`
	ClientBusy        float64 `json:"client_busy"`
	P50Micros         float64 `json:"p50_us"`
	P99Micros         float64 `json:"p99_us"`
	ServerRSS         float64 `json:"server_rss"`
	BytesPerConn      float64 `json:"rss_per_conn"`
}

// row is all runs of one server in a cell.
type row struct {
	Server  string       `json:"server"`
	Ratio   stats.Spread `json:"ratio"` // to the first server of the cell
	Samples []sample     `json:"runs"`
}

// outcome is a finished cell.
type outcome struct {
	cell
	Mode string `json:"mode"`
	Rows []row  `json:"servers"`
}

type runner struct {
	plan      *plan
	generator string // path of the load generator's binary
}

// measure runs A B C A B C …, a fresh process each time.
func (r *runner) measure(ctx context.Context, c cell) (*outcome, error) {
	o := &outcome{cell: c, Mode: r.plan.mode, Rows: make([]row, len(r.plan.servers))}
	for range r.plan.repeats {
		for i := range r.plan.servers {
			s := &r.plan.servers[i]
			one, err := r.once(ctx, s, c)
			if err != nil {
				return nil, err
			}
			o.Rows[i].Server = s.name
			o.Rows[i].Samples = append(o.Rows[i].Samples, one)
		}
	}
	o.compare()
	return o, nil
}

// compare fills in the ratios to the first row.
func (o *outcome) compare() {
	for i := range o.Rows {
		o.Rows[i].Ratio = stats.Ratios(o.values(i), o.values(0))
	}
}

// values are what the rows of an outcome are compared by.
func (o *outcome) values(row int) []float64 {
	if o.Mode == "idle" {
		return o.Rows[row].all(func(s sample) float64 { return s.BytesPerConn })
	}
	return o.Rows[row].all(func(s sample) float64 { return s.PerCPUSecond })
}

func (r *row) all(of func(sample) float64) []float64 {
	var values []float64
	for _, s := range r.Samples {
		values = append(values, of(s))
	}
	return values
}

func (r *runner) once(ctx context.Context, s *server, c cell) (sample, error) {
	up, err := s.start(ctx, r.plan.serverCPU)
	if err != nil {
		return sample{}, err
	}
	var report, complaint bytes.Buffer
	args := []string{
		"-json", "-mode", r.plan.mode, "-addr", up.addr, "-pid", strconv.Itoa(up.cmd.Process.Pid),
		"-size", strconv.Itoa(c.Size), "-conns", strconv.Itoa(c.Conns), "-inflight", strconv.Itoa(c.Inflight),
		"-duration", r.plan.duration.String(), "-warmup", r.plan.warmup.String(),
		"-raw=" + strconv.FormatBool(s.raw), "-text=" + strconv.FormatBool(r.plan.text),
	}
	load := exec.CommandContext(ctx, r.generator, args...)
	load.Stdout, load.Stderr = &report, &complaint
	err = proc.StartOn(r.plan.clientCPU, load)
	if err == nil {
		err = load.Wait()
	}
	said := up.stop()
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w: %s%s", s.name, err, complaint.Bytes(), said)
	}
	var result sample
	return result, json.Unmarshal(report.Bytes(), &result)
}

// print writes the cell as a table. "busy" is how much of its processor each
// side used: the server's share near 100 says that nothing else held it up.
func (o *outcome) print(w io.Writer) error {
	fmt.Fprintf(w, "%s: %v, medians of %d\n", o.Mode, o.cell, len(o.Rows[0].Samples))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "server\tratio (min–max)\tmsg/CPU s\tmsg/s\tp50 us\tp99 us\tbusy\tclient\tRSS MB\tB/conn\t")
	for i := range o.Rows {
		row := &o.Rows[i]
		median := func(of func(sample) float64) float64 { return stats.Of(row.all(of)).Median }
		fmt.Fprintf(t, "%s\t%v\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f%%\t%.0f%%\t%.1f\t%.0f\t\n", row.Server, row.Ratio,
			median(func(s sample) float64 { return s.PerCPUSecond }),
			median(func(s sample) float64 { return s.MessagesPerSecond }),
			median(func(s sample) float64 { return s.P50Micros }),
			median(func(s sample) float64 { return s.P99Micros }),
			median(func(s sample) float64 { return 100 * s.ServerBusy }),
			median(func(s sample) float64 { return 100 * s.ClientBusy }),
			median(func(s sample) float64 { return s.ServerRSS / 1e6 }),
			median(func(s sample) float64 { return s.BytesPerConn }))
	}
	fmt.Fprintln(t)
	return t.Flush()
}
