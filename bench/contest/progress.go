//go:build linux

package main

import (
	"fmt"
	"os"
	"time"

	"github.com/molva-ws/molva/bench/internal/contest"
)

// progress says what is being done: on a terminal in one line that changes, otherwise in a line for each cell and for
// whatever else there is to say.
type progress struct {
	out      *os.File
	terminal bool
	began    time.Time

	outcomes []*contest.Outcome // that are to be complete at the end
	total    int                // runs they were missing at first
}

func newProgress(out *os.File) *progress {
	info, err := out.Stat()
	return &progress{out: out, terminal: err == nil && info.Mode()&os.ModeCharDevice != 0, began: time.Now()}
}

// eraseLine goes to the beginning of the line and clears it.
const eraseLine = "\r\x1b[2K"

// say shows what is being done now.
func (p *progress) say(what string) {
	if p.terminal {
		fmt.Fprintf(p.out, "%s%s%s", eraseLine, p.position(), what)
	}
}

// note leaves a line.
func (p *progress) note(format string, args ...any) {
	p.clear()
	fmt.Fprintf(p.out, "%s%s\n", p.position(), fmt.Sprintf(format, args...))
}

// expect says which outcomes are to be complete at the end.
func (p *progress) expect(outcomes []*contest.Outcome) {
	p.outcomes = outcomes
	p.total, _ = p.left()
}

// left returns how many runs are yet to be made, and about how long they take.
func (p *progress) left() (runs int, d time.Duration) {
	for _, o := range p.outcomes {
		runs += o.Missing()
		d += o.Expected()
	}
	return runs, d.Round(10 * time.Second)
}

// position is how far all is.
func (p *progress) position() string {
	runs, left := p.left()
	if runs == 0 {
		return ""
	}
	return fmt.Sprintf("[%d of %d runs, about %v left] ", p.total-runs, p.total, left)
}

func (p *progress) clear() {
	if p.terminal {
		fmt.Fprint(p.out, eraseLine)
	}
}
