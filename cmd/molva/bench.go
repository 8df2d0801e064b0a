package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/molva-ws/molva/internal/benchreport"
	"github.com/molva-ws/molva/internal/console"
	"github.com/molva-ws/molva/internal/load"
)

// benchCmd is molva bench.
type benchCmd struct {
	//lint:ignore SA5008 kong reads every set
	Echo benchEchoCmd `cmd:"" set:"conns=100" set:"inflight= on each connection" set:"rate=, on all connections together" help:"Send messages to an echo server, and measure how they come back."`
	Idle benchIdleCmd `cmd:"" set:"conns=1000" help:"Open connections and hold them: what one costs in memory."`
	//lint:ignore SA5008 kong reads every set
	Fanout benchFanoutCmd `cmd:"" set:"conns=100" set:"inflight= of the publisher" set:"rate=" help:"Publish on one connection, and receive on all others."`
	Storm  benchStormCmd  `cmd:"" set:"conns=1000" help:"Cut all connections at once: how long until everyone is served again."`
	//lint:ignore SA5008 kong reads every set
	Soak benchSoakCmd `cmd:"" set:"conns=10" set:"inflight= on each connection" set:"rate=, on all connections together" help:"Say all that clients say in a long life, and check what comes back."`
}

// Help is what molva bench --help says besides the commands.
func (*benchCmd) Help() string {
	return `Every byte that comes back is checked, and every message has a number: one that is lost, doubled, out of order,
somebody else's or corrupt ends the run with exit code 1 and an account of it. An interrupted run (Ctrl+C) tells what it
has measured, and ends with 130.

  molva bench echo ws://localhost:9001/                           a hundred connections for ten seconds
  molva bench echo -c 1000 -n 16 --pid $(pidof server) :9001/     and what that costs the server
  molva bench echo --rate 20000 :9001/                            latency at a given load
  molva bench idle -c 100000 --pid $(pidof server) :9001/
  molva bench fanout --protocol molva -c 1000 :8000/ws            through a room of molva serve

The server echoes every message to its sender or, for fanout, sends it to every connection, unless --protocol molva
is given. A client and a server on one machine share its processors; taskset gives each its own.`
}

// run drives the server and reports what was found.
func (f *benchFlags) run(ctx context.Context, s streams, mode load.Mode, parts ...benchPart) error {
	c, err := f.config(mode, parts...)
	if err != nil {
		return usage("%w", err)
	}
	hdr, err := createHDR(f.HDR)
	if err != nil {
		return err
	}
	terminal := console.NewStreams(s.in, s.out, s.err)
	progress := f.progress(&c, s, terminal.ErrTerminal)
	r, err := load.Run(ctx, c)
	progress.Clear()
	if e := hdr.finish(r); e != nil {
		err = errors.Join(err, e)
	}
	switch {
	case errors.Is(err, load.ErrConfig):
		return usage("%w", err)
	case err != nil && ctx.Err() != nil && r == nil:
		return &exitError{exitCanceled, "interrupted before anything was measured"}
	case r == nil:
		return err
	}
	if e := f.print(r, s, terminal.Colors); e != nil {
		return e
	}
	return benchOutcome(r, err)
}

// progress has a run show how far it is, unless it is to be quiet.
func (f *benchFlags) progress(c *load.Config, s streams, terminal bool) *benchreport.Progress {
	var columns func() int
	if terminal {
		columns = func() int { return console.Columns(s.err) }
	}
	p := benchreport.NewProgress(s.err, columns)
	if !f.Quiet {
		c.Progress = p.Show
	}
	return p
}

// print writes the result for a person or for a program.
func (f *benchFlags) print(r *load.Result, s streams, colors bool) error {
	if f.JSON {
		return benchreport.WriteJSON(s.out, r)
	}
	return benchreport.Write(s.out, r, colors)
}

// benchOutcome makes an error of what was found.
func benchOutcome(r *load.Result, err error) error {
	switch {
	case len(r.Faults) > 0 && err != nil:
		return fmt.Errorf("%s\n%w", benchreport.Account(r), err)
	case len(r.Faults) > 0:
		return errors.New(benchreport.Account(r))
	case err != nil:
		return err
	case r.Interrupted:
		return &exitError{exitCanceled, "interrupted; the figures are of what was measured until then"}
	}
	return nil
}
