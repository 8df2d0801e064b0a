//go:build linux

// Command compare measures servers against each other: each is built and
// started afresh on one processor, the load generator drives it from another,
// and the runs of all are interleaved, so that whatever slows the machine for a
// while slows everyone. It prints the median of each server's runs, and the
// median ratio to the first server with its spread.
//
//	compare -servers rawecho,molva,gorilla -sizes 128,1024 -conns 100,1000
//	compare -server 'old=/tmp/old-echo -addr {addr}' -servers molva
//	compare -quick
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

// plan is what the flags ask for.
type plan struct {
	mode      string
	servers   []server // the first is the baseline
	sizes     []int
	conns     []int
	inflight  []int
	repeats   int
	duration  time.Duration
	warmup    time.Duration
	text      bool
	serverCPU int
	clientCPU int
	json      bool
}

func run(ctx context.Context, args []string) error {
	p, err := parseFlags(args)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "compare")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	generator, err := buildAll(ctx, p.servers, dir)
	if err != nil {
		return err
	}
	r := &runner{plan: p, generator: generator}
	for _, cell := range p.cells() {
		result, err := r.measure(ctx, cell)
		if err != nil {
			return fmt.Errorf("%v: %w", cell, err)
		}
		if p.json {
			err = json.NewEncoder(os.Stdout).Encode(result)
		} else {
			err = result.print(os.Stdout)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

var errUsage = errors.New("wrong flags")

func parseFlags(args []string) (*plan, error) {
	p := &plan{sizes: []int{128, 1024}, conns: []int{100, 1000}, inflight: []int{1, 16}}
	names, quick := "rawecho,molva", false
	var custom []server
	fs := flag.NewFlagSet("compare", flag.ContinueOnError)
	fs.StringVar(&p.mode, "mode", "echo", "echo, idle or fanout, as of the load generator")
	fs.StringVar(&names, "servers", names, "of these, with commas between: "+strings.Join(builtinNames(), ", "))
	addCustom := func(raw bool) func(string) error {
		return func(s string) error {
			one, err := customServer(s, raw)
			custom = append(custom, one)
			return err
		}
	}
	fs.Func("server", "name=command with {addr} in it; one more server, ahead of -servers", addCustom(false))
	fs.Func("rawserver", "the same for a server that speaks no WebSocket", addCustom(true))
	fs.Func("sizes", "payload bytes, with commas between (default 128,1024)", list(&p.sizes))
	fs.Func("conns", "connections, with commas between (default 100,1000)", list(&p.conns))
	fs.Func("inflight", "messages under way per connection, with commas between (default 1,16)", list(&p.inflight))
	fs.IntVar(&p.repeats, "repeats", 5, "runs of each server in each cell")
	fs.DurationVar(&p.duration, "duration", 2*time.Second, "measured part of a run")
	fs.DurationVar(&p.warmup, "warmup", 500*time.Millisecond, "what goes before it")
	fs.BoolVar(&p.text, "text", false, "text messages in place of binary ones")
	fs.IntVar(&p.serverCPU, "server-cpu", 0, "processor of the server")
	fs.IntVar(&p.clientCPU, "client-cpu", 1, "processor of the load generator")
	fs.BoolVar(&p.json, "json", false, "a line of JSON for each cell, with every run")
	fs.BoolVar(&quick, "quick", false, "one small cell in a few seconds: shows that all of it works, not who is faster")
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	if quick {
		p.sizes, p.conns, p.inflight = []int{128}, []int{100}, []int{1}
		p.repeats, p.duration, p.warmup = 3, 300*time.Millisecond, 100*time.Millisecond
	}
	chosen, err := builtins(names)
	p.servers = append(custom, chosen...)
	if err == nil && (len(p.servers) == 0 || p.repeats < 1) {
		err = fmt.Errorf("%w: nothing to measure", errUsage)
	}
	return p, err
}

// list reads numbers with commas between.
func list(to *[]int) func(string) error {
	return func(s string) error {
		*to = nil
		for field := range strings.SplitSeq(s, ",") {
			n, err := strconv.Atoi(field)
			if err != nil {
				return err
			}
			*to = append(*to, n)
		}
		return nil
	}
}

// cells is every combination of size, connections and messages in flight.
func (p *plan) cells() []cell {
	var all []cell
	for _, size := range p.sizes {
		for _, conns := range p.conns {
			for _, inflight := range p.inflight {
				all = append(all, cell{Size: size, Conns: conns, Inflight: inflight})
			}
		}
	}
	return all
}
