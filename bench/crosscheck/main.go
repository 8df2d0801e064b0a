//go:build linux

// Command crosscheck has servers driven by molva bench and by two load generators that share nothing with it, one on
// gorilla's client and one on Node's ws, in turn, and prints what each of them says.
//
//	go run ./crosscheck
//	go run ./crosscheck -servers gorilla,gws,coder,node-ws -repeats 5 -duration 3s
//	go run ./crosscheck -same-rate -servers gorilla,gws,gobwas,node-ws
//
// Servers have processor 0 and the generators processor 1. At a given rate all have to find the same latency, from the
// sending, and the server has to spend the same processor time on a message. At full speed they have to find the same
// number of messages where the server is busy for nearly 100% of the time with each; where it is not, the generator is
// the one that cannot do more.
//
// With -same-rate k6 is there, too, which is built for it, and the only load is the given rate, far below what any of
// them can do. What a message costs the server then depends on how many arrive together, for which it wakes up once.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/molva-ws/molva/bench/internal/stats"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := check(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "crosscheck:", err)
		os.Exit(1)
	}
}

// load is what the generators are asked for.
type load struct {
	conns, inflight, size int
	rate                  float64
	warmup, duration      time.Duration
}

func (l load) String() string {
	how := fmt.Sprintf("%d in flight", l.inflight)
	if l.rate > 0 {
		how = fmt.Sprintf("%.0f a second", l.rate)
	}
	return fmt.Sprintf("%d connections, %d bytes, %s", l.conns, l.size, how)
}

// check compares the generators on each server, and at each load.
func check(ctx context.Context) error {
	servers := flag.String("servers", "gorilla,gws,coder,node-ws", "`folders` under peers, with commas")
	repeats := flag.Int("repeats", 3, "runs of each generator")
	rate := flag.Float64("rate", 1000, "messages a second")
	l := load{}
	flag.IntVar(&l.conns, "conns", 50, "connections at the rate, and four times as many at full speed")
	flag.IntVar(&l.size, "size", 128, "bytes in a message")
	flag.DurationVar(&l.duration, "duration", 2*time.Second, "what is measured in each run")
	l.warmup = 500 * time.Millisecond
	same := flag.Bool("same-rate", false, "compare what a message costs the server at the rate, with k6 beside the others")
	k6 := flag.String("k6", "", "`program` that is k6; without it "+k6Version+" is built, which takes some minutes")
	flag.Parse()
	w, err := newWorkshop(ctx)
	if err != nil {
		return err
	}
	defer w.close()
	if *same {
		if err := w.buildK6(ctx, *k6); err != nil {
			return err
		}
	}
	paced, full := l, l
	paced.rate, paced.inflight = *rate, 64
	full.conns, full.inflight = 4*l.conns, 1
	for name := range strings.SplitSeq(*servers, ",") {
		if *same {
			if err := w.sameRate(ctx, name, paced, *repeats); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			continue
		}
		for _, l := range []load{paced, full} {
			if err := w.compare(ctx, name, l, *repeats); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}

type namedGenerator struct {
	name    string
	command generator
}

// generators are compared, the first with the others.
var generators = []namedGenerator{
	{"molva bench", (*workshop).molvaBench}, {"gorilla's client", (*workshop).gorillaLoad}, {"Node's ws", (*workshop).wsLoad},
}

// compare drives one server by all generators in turn.
func (w *workshop) compare(ctx context.Context, server string, l load, repeats int) error {
	s, err := w.start(ctx, server)
	if err != nil {
		return err
	}
	defer s.stop()
	found := make([][]sample, len(generators))
	for range repeats {
		for i, g := range generators {
			one, err := s.drive(ctx, g.command(w, s, l))
			if err != nil {
				return err
			}
			found[i] = append(found[i], one)
		}
	}
	fmt.Printf("\n%s: %v, medians of %d\n", server, l, repeats)
	row("", len(generators), func(i int) string { return generators[i].name })
	for _, f := range figures {
		row(f.name, len(generators), func(i int) string { return f.text(stats.Of(f.of(found[i]))) })
	}
	return nil
}

// row prints a line of the table, with a column for each generator.
func row(name string, columns int, column func(i int) string) {
	line := fmt.Sprintf("%25s", name)
	for i := range columns {
		line += fmt.Sprintf("  %26s", column(i))
	}
	fmt.Println(line)
}

// A figure is what is compared.
type figure struct {
	name   string
	format string
	value  func(sample) float64
}

var figures = []figure{
	{"messages a second", "%.0f", func(s sample) float64 { return s.PerSecond }},
	{"latency, mean, µs", "%.0f", func(s sample) float64 { return s.sending().Mean }},
	{"latency, 50%, µs", "%.0f", func(s sample) float64 { return s.sending().P50 }},
	{"latency, 90%, µs", "%.0f", func(s sample) float64 { return s.sending().P90 }},
	{"latency, 99%, µs", "%.0f", func(s sample) float64 { return s.sending().P99 }},
	serverCPU,
	{"server busy, %", "%.0f", func(s sample) float64 { return 100 * s.ServerCPU / s.Seconds }},
}

var serverCPU = figure{"server, CPU µs a message", "%.1f", func(s sample) float64 { return 1e6 * s.ServerCPU / s.Messages }}

func (f figure) of(samples []sample) (values []float64) {
	for _, s := range samples {
		values = append(values, f.value(s))
	}
	return values
}

func (f figure) text(s stats.Spread) string {
	return fmt.Sprintf(f.format+" ("+f.format+"–"+f.format+")", s.Median, s.Min, s.Max)
}
