//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/molva-ws/molva/bench/internal/contest"
	"github.com/molva-ws/molva/bench/internal/ledger"
	"github.com/molva-ws/molva/bench/internal/machine"
	"github.com/molva-ws/molva/bench/internal/report"
)

// compare makes a comparison of the flags' own and prints it. Nothing of it is kept.
func compare(ctx context.Context, o *options, p *progress) error {
	dir, err := os.MkdirTemp("", "contest")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	_, err = measureAll(ctx, o.runner(p), dir, o.cells(), func(outcome *contest.Outcome) error {
		p.clear()
		if o.json {
			return json.NewEncoder(os.Stdout).Encode(outcome)
		}
		return show(outcome)
	})
	return err
}

// errServers says that some of the servers have no figures as something went wrong.
var errServers = errors.New("servers failed")

// measureAll measures cells from the beginning and hands each outcome on.
func measureAll(ctx context.Context, r *contest.Runner, dir string, cells []contest.Cell,
	done func(*contest.Outcome) error) (all []*contest.Outcome, err error) {
	if err := r.Prepare(ctx, dir); err != nil {
		return nil, err
	}
	failures := 0
	for _, c := range cells {
		o, err := r.Begin(c, nil)
		if err == nil {
			err = r.Measure(ctx, o)
		}
		if err == nil {
			err = done(o)
		}
		if err != nil {
			return nil, fmt.Errorf("%v: %w", c, err)
		}
		failed, _ := o.Failures()
		failures += len(failed)
		all = append(all, o)
	}
	if failures > 0 {
		return all, fmt.Errorf("%w: %d", errServers, failures)
	}
	return all, nil
}

// show prints an outcome as a table with its remarks.
func show(o *contest.Outcome) error {
	fmt.Printf("%s: %v: %s\n", o.Cell.Mode, o.Cell, report.Runs(o))
	if err := report.Of(o).Text(os.Stdout); err != nil {
		return err
	}
	for _, r := range o.Rows {
		switch {
		case r.Failed != "":
			fmt.Printf("  %s failed in %s\n", r.Name, r.Failed)
		case r.Skipped != "":
			fmt.Printf("  %s is left out: %s\n", r.Name, r.Skipped)
		}
	}
	fmt.Println()
	return nil
}

// quick runs every mode for a moment, with every server there is, and assembles a document that is thrown away.
func quick(ctx context.Context, o *options, p *progress) error {
	dir, err := os.MkdirTemp("", "contest")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	o.timing = contest.Timing{Duration: 200 * time.Millisecond, Warmup: 50 * time.Millisecond, Hold: 500 * time.Millisecond}
	o.repeats = 1
	r := o.runner(p)
	r.PerProcess = 100 // two processes
	cells := []contest.Cell{
		{Mode: contest.Echo, Size: 128, Conns: 50, Inflight: 4, Kind: "unicode"},
		{Mode: contest.Echo, Size: 1 << 10, Conns: 20, Inflight: 1, Kind: "unicode", Compress: true},
		{Mode: contest.Fanout, Size: 128, Conns: 50, Inflight: 1},
		{Mode: contest.Connect, Conns: 8},
		{Mode: contest.Idle, Size: 128, Conns: 200, Inflight: 1},
	}
	all, err := measureAll(ctx, r, dir, cells, show)
	if err != nil {
		return err
	}
	p.clear()
	return assemble(ctx, dir, cells, all)
}

// assemble makes a document of the outcomes, by way of a ledger.
func assemble(ctx context.Context, dir string, cells []contest.Cell, all []*contest.Outcome) error {
	here, err := machine.Here()
	if err != nil {
		return err
	}
	commit, err := machine.Commit(ctx, ".")
	if err != nil {
		return err
	}
	kept := ledger.Ledger(dir)
	d := &report.Document{Command: command + " -quick", Sections: []report.Section{{Title: "Quick", Cells: cells}}}
	for i, o := range all {
		if err := kept.Write(&ledger.Record{Commit: commit, Ended: time.Now(), Machine: here, Outcome: *o}); err != nil {
			return err
		}
		d.Charts = append(d.Charts, report.Picture{File: fmt.Sprintf("%d.svg", i), Title: o.Cell.String(), Cell: o.Cell})
	}
	records, err := kept.Records(cells)
	if err != nil {
		return err
	}
	_, err = d.Write(dir, records)
	return err
}
