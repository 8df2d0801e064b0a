//go:build linux

package contest

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"time"

	"github.com/molva-ws/molva/bench/internal/proc"
)

// Runner measures cells.
type Runner struct {
	Contenders []Contender // the first is the one that ratios are to
	Repeats    int         // runs of each contender in each cell
	Timing     Timing
	ServerCPU  int
	ClientCPU  int
	// Progress is told what is being done.
	Progress func(what string)

	generator generator
	versions  []string
	missing   []string // why a contender cannot run here
}

// Prepare builds everything into dir and looks what this machine lacks.
func (r *Runner) Prepare(ctx context.Context, dir string) error {
	w, err := newWorkshop(ctx, dir)
	if err != nil {
		return err
	}
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

// Measure runs A B C A B C …, a fresh process each time. What goes wrong with a contender is noted in its row, and it
// runs no more in this cell; the others go on.
func (r *Runner) Measure(ctx context.Context, c Cell) (*Outcome, error) {
	o := &Outcome{Cell: c, Rows: make([]Row, len(r.Contenders))}
	for i := range r.Contenders {
		o.Rows[i] = r.row(i, c)
	}
	for round := range r.Repeats {
		for i := range r.Contenders {
			row := &o.Rows[i]
			if row.Skipped != "" || row.Failed != "" {
				continue
			}
			r.Progress(fmt.Sprintf("%s: %v: run %d of %d: %s", c.Mode, c, round+1, r.Repeats, row.Name))
			one, err := r.once(ctx, &r.Contenders[i], c)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if err != nil {
				row.Failed = fmt.Sprintf("run %d of %d: %v", round+1, r.Repeats, err)
				continue
			}
			row.Samples = append(row.Samples, one)
		}
	}
	return o, nil
}

func (r *Runner) row(i int, c Cell) Row {
	s := &r.Contenders[i]
	row := Row{Name: s.Name, Title: s.Title, Role: s.Role, Version: r.versions[i]}
	switch {
	case r.missing[i] != "":
		row.Skipped, row.Missing = r.missing[i], true
	case s.Unfit(c) != "":
		row.Skipped = s.Unfit(c)
	default:
		row.Skipped = r.generator.unfit(c)
	}
	return row
}

// patience is what a run may take on top of what is asked for: opening, and the last messages.
const patience = 150 * time.Second

func (r *Runner) once(ctx context.Context, s *Contender, c Cell) (Sample, error) {
	ctx, cancel := context.WithTimeout(ctx, patience+r.Timing.Warmup+r.Timing.Duration+r.Timing.Hold)
	defer cancel()
	server, err := start(ctx, s, c, r.ServerCPU)
	if err != nil {
		return Sample{}, err
	}
	args := r.generator.command(c, r.Timing, s.Raw, server.addr, server.cmd.Process.Pid)
	report, err := r.drive(ctx, args)
	said := server.stop()
	if err != nil && said != "" {
		err = fmt.Errorf("%w; the server said: %s", err, shorten(said))
	}
	if err != nil {
		return Sample{}, err
	}
	return r.generator.parse(report)
}

func (r *Runner) drive(ctx context.Context, args []string) ([]byte, error) {
	var report, complaint bytes.Buffer
	load := exec.CommandContext(ctx, args[0], args[1:]...)
	load.Stdout, load.Stderr = &report, &complaint
	err := proc.StartOn(r.ClientCPU, load)
	if err == nil {
		err = load.Wait()
	}
	if err != nil {
		if why := shorten(complaint.String()); why != "" && ctx.Err() == nil {
			return nil, fmt.Errorf("%s", why)
		}
		return nil, err
	}
	return report.Bytes(), nil
}
