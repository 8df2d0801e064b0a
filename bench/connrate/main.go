//go:build linux

// Command connrate measures how many connections a server can take and let go: each connects, does the opening
// handshake, closes with code 1000, waits for the server's close frame and the end of the stream, and is followed by
// the next.
//
//	connrate -addr 127.0.0.1:9001 -conns 64 -duration 2s -pid $(pidof echo)
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/molva-ws/molva/internal/load"
	"github.com/molva-ws/molva/internal/proc"
)

func main() {
	c := &config{}
	flag.StringVar(&c.addr, "addr", "127.0.0.1:9001", "`address` of the server")
	flag.BoolVar(&c.raw, "raw", false, "no WebSocket: the same bytes, echoed as they are")
	flag.IntVar(&c.conns, "conns", 64, "`number` of connections at the same time")
	flag.IntVar(&c.pid, "pid", 0, "process `ID` of the server")
	flag.DurationVar(&c.warmup, "warmup", 500*time.Millisecond, "run so long before measuring")
	flag.DurationVar(&c.duration, "duration", 2*time.Second, "measure so long")
	flag.DurationVar(&c.limit, "limit", 10*time.Second, "give up on a connection that takes longer")
	flag.Bool("json", true, "report in JSON, the only form there is")
	flag.Parse()
	result, err := c.run()
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(result)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "connrate:", err)
		os.Exit(1)
	}
}

type config struct {
	addr     string
	raw      bool
	conns    int
	pid      int
	warmup   time.Duration
	duration time.Duration
	limit    time.Duration
}

// Result has the names of the load generator's report; the messages are connections. What concerns the server is zero
// without -pid.
type Result struct {
	Messages     int     `json:"messages"`
	PerSecond    float64 `json:"messages_per_second"`
	PerCPUSecond float64 `json:"messages_per_server_cpu_second"`
	ServerBusy   float64 `json:"server_busy"`
	ClientBusy   float64 `json:"client_busy"`
	P50Micros    float64 `json:"p50_us"` // from the start of connecting to the end of the opening handshake
	P99Micros    float64 `json:"p99_us"`
	ServerRSS    int64   `json:"server_rss_bytes"`
}

// tally is what the clients have done since the window opened.
type tally struct {
	mu      sync.Mutex
	done    int
	opening load.Histogram
}

func (t *tally) add(opening time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done++
	t.opening.Record(opening)
}

func (t *tally) restart() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done, t.opening = 0, load.Histogram{}
}

func (c *config) run() (*Result, error) {
	var t tally
	ctx, stop := context.WithCancelCause(context.Background())
	defer stop(nil)
	var clients sync.WaitGroup
	for range c.conns {
		clients.Go(func() {
			one := newClient(c)
			for ctx.Err() == nil {
				opening, err := one.visit(ctx)
				if err != nil {
					stop(err)
					return
				}
				t.add(opening)
			}
		})
	}
	result, err := c.window(ctx, &t)
	stop(errEnough)
	clients.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, errEnough) {
		return nil, cause
	}
	return result, err
}

var errEnough = errors.New("measured")

func (c *config) window(ctx context.Context, t *tally) (*Result, error) {
	pause(ctx, c.warmup)
	serverBefore, clientBefore, err := c.times()
	if err != nil {
		return nil, err
	}
	t.restart()
	began := time.Now()
	pause(ctx, c.duration)
	elapsed := time.Since(began).Seconds()
	server, client, err := c.times()
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	r := &Result{
		Messages:   t.done,
		PerSecond:  float64(t.done) / elapsed,
		ServerBusy: (server - serverBefore).Seconds() / elapsed,
		ClientBusy: (client - clientBefore).Seconds() / elapsed,
		P50Micros:  float64(t.opening.Percentile(50)) / float64(time.Microsecond),
		P99Micros:  float64(t.opening.Percentile(99)) / float64(time.Microsecond),
	}
	if used := (server - serverBefore).Seconds(); used > 0 {
		r.PerCPUSecond = float64(t.done) / used
	}
	if c.pid != 0 {
		r.ServerRSS, err = proc.RSS(c.pid)
	}
	return r, err
}

func (c *config) times() (server, client time.Duration, err error) {
	if c.pid != 0 {
		if server, err = proc.CPU(c.pid); err != nil {
			return 0, 0, err
		}
	}
	client, err = proc.CPU(os.Getpid())
	return server, client, err
}

// pause sleeps for a time, less if all is over.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
