//go:build linux

package contest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"github.com/molva-ws/molva/internal/proc"
)

// Runner measures cells.
type Runner struct {
	Contenders []Contender // the first is the one that ratios are to
	Repeats    int         // runs of each contender in each cell
	Timing     Timing
	ServerCPU  int
	ClientCPU  int
	PerProcess int // most connections of a process, in Idle

	// Until, unless zero, is when Measure has to be back: it begins no run that would last longer, but for the very first,
	// so that something is done however short the time.
	Until time.Time
	// Progress is told what is being done.
	Progress func(what string)
	// Save, if set, is called after each run.
	Save func(*Outcome) error

	generator generator
	versions  []string
	missing   []string // why a contender cannot run here
	begun     bool     // there has been a run
}

// ErrTime says that the time did not suffice for all runs.
var ErrTime = errors.New("no time left for the next run")

// Prepare builds everything into dir and looks what this machine lacks.
func (r *Runner) Prepare(ctx context.Context, dir string) error {
	w, err := newWorkshop(ctx, dir)
	if err != nil {
		return err
	}
	return r.prepareIn(ctx, w)
}

func (r *Runner) prepareIn(ctx context.Context, w *workshop) (err error) {
	r.Progress("building the load generators")
	if r.generator, err = w.generator(ctx); err != nil {
		return err
	}
	r.versions = make([]string, len(r.Contenders))
	r.missing = make([]string, len(r.Contenders))
	for i := range r.Contenders {
		s := &r.Contenders[i]
		r.Progress("preparing " + s.Name)
		if r.missing[i], err = w.prepare(ctx, s); err != nil {
			return err
		}
		if r.missing[i] != "" {
			continue
		}
		if r.versions[i], err = w.version(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// Begin returns the outcome of a cell before any run, or with the runs of an earlier one that is to be continued, which
// may be nil.
func (r *Runner) Begin(c Cell, earlier *Outcome) (*Outcome, error) {
	lacking, err := lacks(c)
	if err != nil {
		return nil, err
	}
	o := &Outcome{Cell: c, Repeats: c.repeats(r.Repeats)}
	for i := range r.Contenders {
		if !c.invites(&r.Contenders[i]) {
			continue
		}
		row := r.row(i, c)
		if row.Skipped == "" && lacking != "" {
			row.Skipped, row.Missing = lacking, true
		}
		if earlier != nil && row.Skipped == "" {
			if before := earlier.Row(row.Name); before != nil {
				row.Samples, row.Failed = before.Samples, before.Failed
			}
		}
		o.Rows = append(o.Rows, row)
	}
	return o, nil
}

func (r *Runner) row(i int, c Cell) Row {
	s := &r.Contenders[i]
	row := Row{Name: s.Name, Title: s.Title, Role: s.Role, Version: r.versions[i]}
	if r.missing[i] != "" {
		row.Skipped, row.Missing = r.missing[i], true
	} else {
		row.Skipped = s.Unfit(c)
	}
	return row
}

// Measure runs A B C A B C …, a fresh process each time, until o has all its runs. What goes wrong with a contender is
// noted in its row, and it runs no more in this cell; the others go on.
func (r *Runner) Measure(ctx context.Context, o *Outcome) error {
	for round := range o.Repeats {
		for i := range o.Rows {
			row := &o.Rows[i]
			if !row.due(round) {
				continue
			}
			if r.begun && !r.Until.IsZero() && time.Until(r.Until) < o.expected(row) {
				return ErrTime
			}
			r.begun = true
			r.Progress(fmt.Sprintf("%s: %v: run %d of %d: %s", o.Cell.Mode, o.Cell, round+1, o.Repeats, row.Name))
			if err := r.add(ctx, o.Cell, row); err != nil {
				return err
			}
			if r.Save != nil {
				if err := r.Save(o); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// add makes one run and puts it into the row.
func (r *Runner) add(ctx context.Context, c Cell, row *Row) error {
	began := time.Now()
	sample, err := r.once(ctx, r.contender(row.Name), c)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		row.Failed = fmt.Sprintf("run %d: %v", len(row.Samples)+1, err)
		return nil
	}
	sample.Took = time.Since(began).Seconds()
	row.Samples = append(row.Samples, sample)
	return nil
}

func (r *Runner) contender(name string) *Contender {
	for i := range r.Contenders {
		if r.Contenders[i].Name == name {
			return &r.Contenders[i]
		}
	}
	return nil
}

// patience is what a run may take on top of what is asked for: opening, and the last messages.
func patience(c Cell) time.Duration {
	return 2*time.Minute + time.Duration(c.Conns)*500*time.Microsecond
}

func (r *Runner) once(ctx context.Context, s *Contender, c Cell) (Sample, error) {
	timing := r.Timing.of(c)
	ctx, cancel := context.WithTimeout(ctx, patience(c)+timing.Warmup+timing.Duration+timing.Hold)
	defer cancel()
	if c.Mode == Idle {
		return r.idle(ctx, s, c)
	}
	one, err := launch(ctx, s, c, 1, r.ServerCPU)
	if err != nil {
		return Sample{}, err
	}
	printed, err := r.drive(ctx, r.generator.command(c, timing, s.Raw, one[0]))
	said := one.stop()
	if err == nil {
		var found report
		found, err = parseReport(printed)
		return found.sample(), err
	}
	if said != "" {
		err = fmt.Errorf("%w; the server said: %s", err, shorten(said))
	}
	return Sample{}, err
}

func (r *Runner) drive(ctx context.Context, args []string) ([]byte, error) {
	var printed, complaint bytes.Buffer
	load := exec.CommandContext(ctx, args[0], args[1:]...)
	load.Stdout, load.Stderr = &printed, &complaint
	err := proc.StartOn(r.ClientCPU, load)
	if err == nil {
		err = load.Wait()
	}
	if err != nil {
		if why := shorten(complaint.String()); why != "" && ctx.Err() == nil {
			return nil, errors.New(why)
		}
		return nil, err
	}
	return printed.Bytes(), nil
}
