//go:build linux

package contest

import (
	"slices"
	"testing"
	"time"

	"github.com/molva-ws/molva/bench/internal/stats"
)

// row has runs with these messages per CPU second, and a thousandth of the inverse as memory.
func row(name string, role Role, perCPU ...float64) Row {
	r := Row{Name: name, Title: name, Role: role}
	for _, v := range perCPU {
		r.Samples = append(r.Samples, Sample{PerCPUSecond: v, BytesPerConn: 1000 / v, Took: 2})
	}
	return r
}

func TestRatiosAreBetweenNeighbouringRuns(t *testing.T) {
	o := &Outcome{Cell: Cell{Mode: Echo}, Repeats: 3, Rows: []Row{
		row("limit", Limit, 100, 200, 400), row("other", Peer, 50, 180, 320),
	}}
	if got, want := o.Ratio(&o.Rows[1], &o.Rows[0]), (stats.Spread{Median: 0.8, Min: 0.5, Max: 0.9}); got != want {
		t.Errorf("echo: %v, want %v", got, want)
	}
	o.Cell.Mode = Idle
	if got := o.Ratio(&o.Rows[1], &o.Rows[0]); got.Max != 2 {
		t.Errorf("idle compares memory: %v", got)
	}
	o.Rows[0].Failed = "broken"
	if got := o.Ratio(&o.Rows[1], &o.Rows[0]); got != (stats.Spread{}) {
		t.Errorf("a ratio to one that failed: %v", got)
	}
}

func TestRowsAreRankedAsTheModeWantsIt(t *testing.T) {
	failed := row("failed", Peer, 1000)
	failed.Failed = "broken"
	for mode, want := range map[Mode][]string{
		Echo: {"fast", "middle", "slow", "failed"},
		Idle: {"fast", "middle", "slow", "failed"}, // what is fast here has the least memory, too
	} {
		o := &Outcome{Cell: Cell{Mode: mode}, Rows: []Row{failed, row("slow", Peer, 1), row("fast", Peer, 100), row("middle", Own, 10)}}
		var names []string
		for _, r := range o.Ranked() {
			names = append(names, r.Name)
		}
		if !slices.Equal(names, want) {
			t.Errorf("%s: %v", mode, names)
		}
		if best := o.Best(Peer); best == nil || best.Name != "fast" {
			t.Errorf("%s: the best peer is %v", mode, best)
		}
		if o.Best(Limit) != nil {
			t.Errorf("%s: a limit that is not there", mode)
		}
	}
}

func TestMissingRunsAreCounted(t *testing.T) {
	skipped := row("skipped", Peer)
	skipped.Skipped = "not here"
	failed := row("failed", Peer, 1)
	failed.Failed = "broken"
	o := &Outcome{Repeats: 5, Rows: []Row{row("whole", Own, 1, 2, 3, 4, 5), row("part", Peer, 1, 2, 3), row("none", Peer), skipped, failed}}
	if got := o.Missing(); got != 2+5 {
		t.Errorf("%d runs are missing", got)
	}
	// Two more like the last, which took 2 s, and five of the usual length.
	if got, want := o.Expected(), 2*(2400*time.Millisecond+time.Second)+5*4*time.Second; got != want {
		t.Errorf("they take %v, want %v", got, want)
	}
}

func TestCellsHaveKeysAndWords(t *testing.T) {
	for _, c := range []struct {
		cell       Cell
		key, words string
	}{
		{Cell{Mode: Echo, Size: 64 << 10, Conns: 10_000, Inflight: 1}, "echo-65536b-10000c-1f", "64 KiB, 10,000 connections, 1 in flight"},
		{Cell{Mode: Echo, Size: 1000, Conns: 1, Inflight: 16, Kind: "unicode", Compress: true}, "echo-compress-unicode-1000b-1c-16f",
			"1000 B, 1 connections, 16 in flight, unicode, compressed"},
		{Cell{Mode: Fanout, Size: 128, Conns: 100, Inflight: 1}, "fanout-128b-100c-1f", "128 B, 100 connections, 1 in flight"},
		{Cell{Mode: Connect, Conns: 64}, "connect-64c", "64 connections at a time"},
		{Cell{Mode: Idle, Size: 128, Conns: 1_000_000}, "idle-1000000c", "1,000,000 connections"},
	} {
		if c.cell.Key() != c.key || c.cell.String() != c.words {
			t.Errorf("%q, %q; want %q, %q", c.cell.Key(), c.cell.String(), c.key, c.words)
		}
	}
}
