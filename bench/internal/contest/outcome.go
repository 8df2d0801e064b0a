//go:build linux

package contest

import (
	"cmp"
	"slices"
	"time"

	"github.com/molva-ws/molva/bench/internal/stats"
)

// Row is all runs of one contender in a cell. One that was skipped or failed has its reason in place of them.
type Row struct {
	Name    string   `json:"name"`
	Title   string   `json:"title"`
	Role    Role     `json:"role"`
	Version string   `json:"version,omitempty"`
	Skipped string   `json:"skipped,omitempty"`
	Missing bool     `json:"missing,omitempty"` // skipped as the machine lacks something
	Failed  string   `json:"failed,omitempty"`
	Samples []Sample `json:"runs,omitempty"`
}

// Values are one figure of every run.
func (r *Row) Values(of func(Sample) float64) []float64 {
	values := make([]float64, len(r.Samples))
	for i, s := range r.Samples {
		values[i] = of(s)
	}
	return values
}

// Spread condenses one figure of the runs.
func (r *Row) Spread(of func(Sample) float64) stats.Spread { return stats.Of(r.Values(of)) }

// Measured tells whether there are figures.
func (r *Row) Measured() bool { return r.Failed == "" && r.Skipped == "" && len(r.Samples) > 0 }

// due tells whether there is to be a run in this round, the first being 0.
func (r *Row) due(round int) bool {
	return r.Failed == "" && r.Skipped == "" && len(r.Samples) <= round
}

// Outcome is a cell with its runs.
type Outcome struct {
	Cell    Cell  `json:"cell"`
	Repeats int   `json:"repeats"` // runs that each contender is to have
	Rows    []Row `json:"servers"`
}

// Retry has those run again that failed.
func (o *Outcome) Retry() {
	for i := range o.Rows {
		o.Rows[i].Failed = ""
	}
}

// Missing returns how many runs there are yet to be.
func (o *Outcome) Missing() (runs int) {
	for round := range o.Repeats {
		for i := range o.Rows {
			if o.Rows[i].due(round) {
				runs++
			}
		}
	}
	return runs
}

// Expected is about how long the runs take that there are yet to be.
func (o *Outcome) Expected() (total time.Duration) {
	for i := range o.Rows {
		if row := &o.Rows[i]; row.due(o.Repeats - 1) {
			total += time.Duration(o.Repeats-len(row.Samples)) * o.expected(row)
		}
	}
	return total
}

// expected is how long a run may last: a little more than the last one, or else what it takes with the slowest servers.
func (o *Outcome) expected(row *Row) time.Duration {
	if n := len(row.Samples); n > 0 {
		return time.Duration(row.Samples[n-1].Took*1.2*float64(time.Second)) + time.Second
	}
	return min(4*time.Second+time.Duration(o.Cell.Conns)*time.Millisecond, 5*time.Minute)
}

// Value is what the contenders of a mode are compared by.
func (m Mode) Value(s Sample) float64 {
	if m == Idle {
		return s.BytesPerConn
	}
	return s.PerCPUSecond
}

// LessIsBetter tells the direction of a mode's Value.
func (m Mode) LessIsBetter() bool { return m == Idle }

// Unit names a mode's Value.
func (m Mode) Unit() string {
	switch m {
	case Fanout:
		return "deliveries per CPU second"
	case Connect:
		return "connections per CPU second"
	case Idle:
		return "bytes per connection"
	}
	return "messages per CPU second"
}

// Value is the spread of what row is compared by.
func (o *Outcome) Value(r *Row) stats.Spread { return r.Spread(o.Cell.Mode.Value) }

// Ratio compares two rows, run by neighbouring run.
func (o *Outcome) Ratio(r, to *Row) stats.Spread {
	if r == nil || to == nil || !r.Measured() || !to.Measured() {
		return stats.Spread{}
	}
	return stats.Ratios(r.Values(o.Cell.Mode.Value), to.Values(o.Cell.Mode.Value))
}

// Row finds a contender.
func (o *Outcome) Row(name string) *Row {
	for i := range o.Rows {
		if o.Rows[i].Name == name {
			return &o.Rows[i]
		}
	}
	return nil
}

// MolvaName is the contender that the peers are compared to: the library as its documentation begins with it.
const MolvaName = "molva"

// Molva returns the row of that contender, if it has figures.
func (o *Outcome) Molva() *Row {
	if r := o.Row(MolvaName); r != nil && r.Measured() {
		return r
	}
	return nil
}

// Better tells whether the median of a is better than that of b.
func (o *Outcome) Better(a, b *Row) bool {
	x, y := o.Value(a).Median, o.Value(b).Median
	if o.Cell.Mode.LessIsBetter() {
		return x < y
	}
	return x > y
}

// Best returns the best measured row of a role, or nil.
func (o *Outcome) Best(role Role) *Row {
	var best *Row
	for i := range o.Rows {
		r := &o.Rows[i]
		if r.Role == role && r.Measured() && (best == nil || o.Better(r, best)) {
			best = r
		}
	}
	return best
}

// Ranked returns the rows from the best to the worst, then those without figures.
func (o *Outcome) Ranked() []*Row {
	rows := make([]*Row, len(o.Rows))
	for i := range o.Rows {
		rows[i] = &o.Rows[i]
	}
	slices.SortStableFunc(rows, func(a, b *Row) int {
		switch {
		case a.Measured() != b.Measured():
			return -cmp.Compare(boolean(a.Measured()), boolean(b.Measured()))
		case !a.Measured():
			return 0
		case o.Better(a, b):
			return -1
		case o.Better(b, a):
			return 1
		}
		return 0
	})
	return rows
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Failures are the contenders that failed, and those that are missing on the machine.
func (o *Outcome) Failures() (failed, missing []*Row) {
	for i := range o.Rows {
		r := &o.Rows[i]
		if r.Failed != "" {
			failed = append(failed, r)
		}
		if r.Missing {
			missing = append(missing, r)
		}
	}
	return failed, missing
}
