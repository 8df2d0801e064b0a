//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/molva-ws/molva/bench/internal/contest"
	"github.com/molva-ws/molva/bench/internal/kernels"
	"github.com/molva-ws/molva/bench/internal/ledger"
	"github.com/molva-ws/molva/bench/internal/machine"
	"github.com/molva-ws/molva/bench/internal/report"
)

// campaign measures what the document tells, in as many parts as one likes.
type campaign struct {
	*options
	document *report.Document
	ledger   ledger.Ledger
	root     string // the folder of molva's module
	commit   string
	machine  machine.Machine
	progress *progress
}

func newCampaign(ctx context.Context, o *options, p *progress) (*campaign, error) {
	c := &campaign{options: o, ledger: ledger.Ledger(o.cache), progress: p}
	var err error
	if c.document, err = document(); err != nil {
		return nil, err
	}
	folder, err := contest.Folder(ctx)
	if err != nil {
		return nil, err
	}
	c.root = filepath.Dir(folder)
	if c.docs == "" {
		c.docs = filepath.Join(c.root, "docs")
	}
	if c.commit, err = machine.Commit(ctx, folder); err != nil {
		return nil, err
	}
	c.machine, err = machine.Here()
	return c, err
}

// cells are those to be measured.
func (c *campaign) cells() (chosen []contest.Cell, err error) {
	for _, cell := range c.document.Cells() {
		if c.selects(cell.Key()) {
			chosen = append(chosen, cell)
		}
	}
	if len(chosen) == 0 && !c.selects(ledger.KernelsKey) {
		return nil, fmt.Errorf("%w: -only %s is none of the cells that -list shows", errUsage, strings.Join(c.only, ","))
	}
	return chosen, nil
}

// run measures what is missing and, when nothing is any more, writes the document.
func (c *campaign) run(ctx context.Context) error {
	cells, err := c.cells()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "contest")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := c.measureKernels(ctx, dir); err != nil {
		return err
	}
	if len(cells) == 0 {
		return c.finish(nil)
	}
	r := c.runner(c.progress)
	if c.limit > 0 {
		r.Until = c.progress.began.Add(c.limit)
	}
	r.Save = c.save
	if err := r.Prepare(ctx, dir); err != nil {
		return err
	}
	outcomes, err := c.begin(r, cells)
	if err != nil {
		return err
	}
	for _, o := range outcomes {
		if err := c.measure(ctx, r, o); err != nil {
			return err
		}
	}
	return c.finish(outcomes)
}

// measureKernels measures the loops of package wire, unless that is done or not asked for.
func (c *campaign) measureKernels(ctx context.Context, dir string) error {
	kept, err := c.ledger.ReadKernels()
	if err != nil || !c.selects(ledger.KernelsKey) || kept != nil && !c.again {
		return err
	}
	c.progress.note("%s: the loops that touch every byte", ledger.KernelsKey)
	figures, err := kernels.Measure(ctx, c.root, dir, c.serverCPU, c.repeats)
	if err != nil {
		return err
	}
	return c.ledger.WriteKernels(&ledger.Kernels{Commit: c.commit, Ended: time.Now(), Machine: c.machine, Repeats: c.repeats,
		Figures: figures})
}

// begin looks what is there of the cells.
func (c *campaign) begin(r *contest.Runner, cells []contest.Cell) (outcomes []*contest.Outcome, err error) {
	for _, cell := range cells {
		earlier, err := c.earlier(cell)
		if err != nil {
			return nil, err
		}
		o, err := r.Begin(cell, earlier)
		if err != nil {
			return nil, err
		}
		outcomes = append(outcomes, o)
	}
	c.progress.expect(outcomes)
	return outcomes, nil
}

// earlier returns what is to be continued; who failed gets another try. A cell begun at another commit or on another
// machine is begun anew; a whole one stays, until it is asked for again.
func (c *campaign) earlier(cell contest.Cell) (*contest.Outcome, error) {
	if c.again {
		return nil, c.ledger.Forget(cell.Key())
	}
	kept, err := c.ledger.Read(cell.Key())
	if kept == nil || err != nil {
		return nil, err
	}
	same := kept.Commit == c.commit && kept.Machine == c.machine
	switch {
	case !same && kept.Outcome.Missing() > 0:
		c.progress.note("%s was begun at %s; it is begun anew", cell.Key(), kept.Commit)
		return nil, nil
	case !same:
		c.progress.note("%s was measured at %s; -again -only %[1]s measures it anew", cell.Key(), kept.Commit)
	default:
		kept.Outcome.Retry()
	}
	return &kept.Outcome, nil
}

func (c *campaign) measure(ctx context.Context, r *contest.Runner, o *contest.Outcome) error {
	if o.Missing() == 0 {
		return nil
	}
	c.progress.note("%s", o.Cell.Key())
	err := r.Measure(ctx, o)
	if errors.Is(err, contest.ErrTime) {
		runs, left := c.progress.left()
		return fmt.Errorf("%w: %d are left, which take about %v; the same command goes on with them", err, runs, left)
	}
	return err
}

// save keeps the outcome after a run.
func (c *campaign) save(o *contest.Outcome) error {
	return c.ledger.Write(&ledger.Record{Commit: c.commit, Ended: time.Now(), Machine: c.machine, Outcome: *o})
}

// finish tells of failures, and writes the document once everything is measured.
func (c *campaign) finish(outcomes []*contest.Outcome) error {
	for _, o := range outcomes {
		failed, missing := o.Failures()
		for _, r := range failed {
			c.progress.note("%s: %s failed in %s", o.Cell.Key(), r.Name, r.Failed)
		}
		for _, r := range missing {
			c.progress.note("%s: %s is left out: %s", o.Cell.Key(), r.Name, r.Skipped)
		}
	}
	records, err := c.ledger.Records(c.document.Cells())
	if err != nil {
		return err
	}
	if all := len(c.document.Cells()); len(records) < all {
		c.progress.note("%d of %d cells are measured; -write makes a document of them, and without -only the others follow",
			len(records), all)
		return nil
	}
	return c.write()
}

func (c *campaign) write() error {
	records, err := c.ledger.Records(c.document.Cells())
	if err != nil {
		return err
	}
	if c.document.Kernels, err = c.ledger.ReadKernels(); err != nil {
		return err
	}
	unexplained, err := c.document.Write(c.docs, records)
	if err != nil {
		return err
	}
	c.progress.note("written: %s", filepath.Join(c.docs, "benchmarks.md"))
	for _, where := range unexplained {
		c.progress.note("ahead of molva, without a note in contest/notes.txt: %s", where)
	}
	return nil
}

// list shows what is kept of each cell.
func (c *campaign) list(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, cell := range c.document.Cells() {
		kept, err := c.ledger.Read(cell.Key())
		if err != nil {
			return err
		}
		state := "not measured"
		if kept != nil {
			state = fmt.Sprintf("measured at %s, %s", kept.Commit, kept.Ended.Format(time.DateTime))
			if missing := kept.Outcome.Missing(); missing > 0 {
				state += fmt.Sprintf(", %d runs missing, about %v", missing, kept.Outcome.Expected().Round(time.Second))
			}
		}
		fmt.Fprintf(t, "%s\t%s\n", cell.Key(), state)
	}
	kept, err := c.ledger.ReadKernels()
	switch {
	case err != nil:
		return err
	case kept == nil:
		fmt.Fprintf(t, "%s\tnot measured\n", ledger.KernelsKey)
	default:
		fmt.Fprintf(t, "%s\tmeasured at %s, %s\n", ledger.KernelsKey, kept.Commit, kept.Ended.Format(time.DateTime))
	}
	return t.Flush()
}
