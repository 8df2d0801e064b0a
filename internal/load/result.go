package load

import (
	"math"
	"net/url"
	"os"
	"time"

	"github.com/molva-ws/molva/internal/proc"
)

// Result is what a run found. What concerns the server is zero, and not in the JSON, unless its processes are known.
// Sizes are in bytes.
type Result struct {
	Mode     Mode    `json:"mode"`
	URL      string  `json:"url"`
	Conns    int     `json:"conns"`
	Inflight int     `json:"inflight"`
	Size     int     `json:"size"`
	Kind     string  `json:"kind"`
	Compress bool    `json:"compress"`
	Molva    bool    `json:"molva,omitempty"`
	Rate     float64 `json:"rate,omitempty"` // asked for
	Loops    int     `json:"loops"`

	Messages          uint64  `json:"messages"` // that came back in the window
	Seconds           float64 `json:"seconds"`  // the window
	MessagesPerSecond float64 `json:"messages_per_second"`

	// Of messages that were sent when others had come back, latency runs from the sending. With Corrected it runs from
	// when the message should have been sent by the rate that was asked for, so that a server that stalls is charged for
	// the messages that it kept from being sent, too (coordinated omission).
	Corrected bool `json:"latency_corrected"`
	Percentiles
	// Uncorrected is the same from the sending, where Corrected is set. The difference is how long messages waited before
	// they were sent: for others to come back, as many as may be under way, or for this program to be given a processor.
	Uncorrected *Percentiles `json:"uncorrected,omitempty"`
	Latency     *Histogram   `json:"-"` // all of it; nil if nothing was measured
	// Unsent is how many messages were due by the rate and had not left at the end.
	Unsent uint64 `json:"unsent,omitempty"`

	ServerCPUSeconds float64 `json:"server_cpu_seconds,omitempty"`
	PerCPUSecond     float64 `json:"messages_per_server_cpu_second,omitempty"`
	// Busy is the processors' time per time of the window: a server on one core whose share is near 1 was the
	// bottleneck, and not this program.
	ServerBusy float64 `json:"server_busy,omitempty"`
	ClientBusy float64 `json:"client_busy"`

	OpenSeconds  float64 `json:"open_seconds"`
	ServerRSS    int64   `json:"server_rss_bytes,omitempty"`          // all connections open
	BytesPerConn float64 `json:"server_rss_bytes_per_conn,omitempty"` // what opening them added
	ClientRSS    int64   `json:"client_rss_bytes"`
	ClientPer    float64 `json:"client_rss_bytes_per_conn"`

	Rounds     []Round `json:"rounds,omitempty"`     // of a storm
	Retries    uint64  `json:"retries,omitempty"`    // connections of a storm that had to be begun again
	Overflows  uint64  `json:"overflows,omitempty"`  // of accept queues of this machine
	Reconnects uint64  `json:"reconnects,omitempty"` // of a soak
	Pings      uint64  `json:"pings,omitempty"`      // of a soak

	RateLimit   uint64            `json:"server_rate_limit,omitempty"` // of messages from one client in a second, as the server says
	Interrupted bool              `json:"interrupted,omitempty"`
	FaultCounts map[string]uint64 `json:"fault_counts,omitempty"`
	Faults      []Fault           `json:"faults,omitempty"` // the first of them
	Advice      string            `json:"advice,omitempty"` // on faults that look as if another kind of run were wanted
}

// Percentiles are those of a latency.
type Percentiles struct {
	MeanMicros float64 `json:"mean_us"`
	P50Micros  float64 `json:"p50_us"`
	P90Micros  float64 `json:"p90_us"`
	P99Micros  float64 `json:"p99_us"`
	P999Micros float64 `json:"p999_us"`
	MaxMicros  float64 `json:"max_us"`
}

func percentilesOf(h *Histogram) Percentiles {
	return Percentiles{
		MeanMicros: micros(h.Mean()),
		P50Micros:  micros(h.Percentile(50)),
		P90Micros:  micros(h.Percentile(90)),
		P99Micros:  micros(h.Percentile(99)),
		P999Micros: micros(h.Percentile(99.9)),
		MaxMicros:  micros(h.Max()),
	}
}

// A Round is one time that all connections of a storm came back.
type Round struct {
	Seconds   float64 `json:"seconds"` // until all were served
	P50Micros float64 `json:"p50_us"`
	P99Micros float64 `json:"p99_us"`
	MaxMicros float64 `json:"max_us"`
}

func newResult(cfg *Config) *Result {
	return &Result{
		Mode: cfg.Mode, URL: withoutPassword(cfg.URL), Conns: cfg.Conns, Inflight: cfg.Inflight, Size: cfg.Size, Kind: cfg.Kind.String(),
		Compress: cfg.Compress, Molva: cfg.Molva, Rate: cfg.Rate, Loops: cfg.Loops, Corrected: cfg.Rate > 0,
	}
}

// withoutPassword returns a URL that can be shown to everyone.
func withoutPassword(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return u.Redacted()
}

func (r *Result) setLatency(h, uncorrected *Histogram) {
	r.Latency, r.Percentiles = h, percentilesOf(h)
	if r.Corrected {
		p := percentilesOf(uncorrected)
		r.Uncorrected = &p
	}
}

// micros keeps three significant digits more than the histogram has, for a line of JSON that can be read.
func micros(d time.Duration) float64 {
	return math.Round(float64(d)/float64(time.Microsecond)*10) / 10
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
			return 0, 0, processError(pid, err)
		}
		server += cpu
	}
	client, _ = proc.CPU(os.Getpid()) // only Linux tells
	return server, client, nil
}

// close puts the figures of the window into r.
func (w *window) close(r *Result, messages uint64) error {
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
	return nil
}
