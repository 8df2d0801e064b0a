//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/molva-ws/molva/bench/internal/proc"
	"github.com/molva-ws/molva/bench/internal/stats"
)

// Result is what a run found. What concerns the server is zero without -pid.
type Result struct {
	Mode     string `json:"mode"`
	Conns    int    `json:"conns"`
	Inflight int    `json:"inflight"`
	Size     int    `json:"size"`

	Messages          uint64  `json:"messages"` // that came back in the window
	Seconds           float64 `json:"seconds"`  // the window
	MessagesPerSecond float64 `json:"messages_per_second"`
	P50Micros         float64 `json:"p50_us"`
	P99Micros         float64 `json:"p99_us"`
	MaxMicros         float64 `json:"max_us"`

	ServerCPUSeconds float64 `json:"server_cpu_seconds"`
	PerCPUSecond     float64 `json:"messages_per_server_cpu_second"`
	// Busy is the processors' time per time of the window: a server on one core
	// whose share is near 1 was the bottleneck, and not this program.
	ServerBusy float64 `json:"server_busy"`
	ClientBusy float64 `json:"client_busy"`

	OpenSeconds  float64 `json:"open_seconds"`
	ServerRSS    int64   `json:"server_rss"`   // bytes, all connections open
	BytesPerConn float64 `json:"rss_per_conn"` // what opening them added
}

// window measures from its opening to its close.
type window struct {
	pids   []int
	began  time.Time
	server time.Duration
	client time.Duration
}

func openWindow(pids []int) (*window, error) {
	w := &window{pids: pids}
	var err error
	if w.server, w.client, err = w.times(); err != nil {
		return nil, err
	}
	w.began = time.Now()
	return w, nil
}

func (w *window) times() (server, client time.Duration, err error) {
	for _, pid := range w.pids {
		cpu, err := proc.CPU(pid)
		if err != nil {
			return 0, 0, err
		}
		server += cpu
	}
	client, err = proc.CPU(os.Getpid())
	return server, client, err
}

// close puts the figures of the window into r.
func (w *window) close(r *Result, messages uint64, latency *stats.Histogram) error {
	elapsed := time.Since(w.began).Seconds()
	server, client, err := w.times()
	if err != nil {
		return err
	}
	r.Messages, r.Seconds = messages, elapsed
	r.MessagesPerSecond = float64(messages) / elapsed
	r.ServerCPUSeconds = (server - w.server).Seconds()
	if r.ServerCPUSeconds > 0 {
		r.PerCPUSecond = float64(messages) / r.ServerCPUSeconds
	}
	r.ServerBusy = r.ServerCPUSeconds / elapsed
	r.ClientBusy = (client - w.client).Seconds() / elapsed
	r.P50Micros = micros(latency.Percentile(50))
	r.P99Micros = micros(latency.Percentile(99))
	r.MaxMicros = micros(latency.Max())
	return nil
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func memory(pids []int) (total int64, err error) {
	for _, pid := range pids {
		rss, err := proc.RSS(pid)
		if err != nil {
			return 0, err
		}
		total += rss
	}
	return total, nil
}

// addMemory takes the server's memory, unless the mode took it at a better time.
func (r *Result) addMemory(pids []int, empty int64) error {
	if r.ServerRSS == 0 {
		var err error
		if r.ServerRSS, err = memory(pids); err != nil {
			return err
		}
	}
	r.BytesPerConn = float64(r.ServerRSS-empty) / float64(r.Conns)
	return nil
}

func (r *Result) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(r)
	}
	_, err := fmt.Fprintf(w, "%s: %d connections (opened in %.2f s), %d in flight, %d bytes\n"+
		"  %d messages in %.2f s: %.0f/s, p50 %.0f us, p99 %.0f us, max %.0f us\n",
		r.Mode, r.Conns, r.OpenSeconds, r.Inflight, r.Size,
		r.Messages, r.Seconds, r.MessagesPerSecond, r.P50Micros, r.P99Micros, r.MaxMicros)
	if err != nil || r.ServerRSS == 0 {
		return err
	}
	_, err = fmt.Fprintf(w, "  server: %.2f CPU s (%.0f%% busy, client %.0f%%), %.0f messages per CPU second, RSS %.1f MB, %.0f bytes a connection\n",
		r.ServerCPUSeconds, 100*r.ServerBusy, 100*r.ClientBusy, r.PerCPUSecond, float64(r.ServerRSS)/1e6, r.BytesPerConn)
	return err
}
