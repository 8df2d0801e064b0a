//go:build linux

// Command contest measures servers against each other: each is built and started afresh on one processor, driven from
// another, and the runs of all are interleaved. Without flags it measures everything that is in docs/benchmarks.md, and
// writes that. It goes on where it was interrupted.
//
//	go -C bench run ./contest                      all of it: an hour or two, on a machine with nothing else to do
//	go -C bench run ./contest -for 8m              no longer than that; again and again, until all is done
//	go -C bench run ./contest -list                what there is, and how much of it is done
//	go -C bench run ./contest -again -only 'echo-128b-*'
//	go -C bench run ./contest -quick               shows that all of it works
//	go -C bench run ./contest -servers rawecho,molva,gws -sizes 128 -conns 100,1000    another comparison, as a table
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/molva-ws/molva/bench/internal/contest"
)

// Exit codes. The go command makes 1 of each.
const (
	exitFailed     = 1
	exitUsage      = 2
	exitUnfinished = 3 // the time was over
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:])
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}
	fmt.Fprintln(os.Stderr, "contest:", err)
	os.Exit(exitCode(err))
}

func exitCode(err error) int {
	switch {
	case errors.Is(err, errUsage), errors.Is(err, contest.ErrContender):
		return exitUsage
	case errors.Is(err, contest.ErrTime):
		return exitUnfinished
	}
	return exitFailed
}

func run(ctx context.Context, args []string) error {
	o, err := parseFlags(args)
	if err != nil {
		return err
	}
	p := newProgress(os.Stderr)
	defer p.clear()
	switch {
	case o.quick:
		return quick(ctx, o, p)
	case o.custom:
		return compare(ctx, o, p)
	}
	c, err := newCampaign(ctx, o, p)
	if err != nil {
		return err
	}
	switch {
	case o.list:
		return c.list(os.Stdout)
	case o.write:
		return c.write()
	}
	return c.run(ctx)
}
