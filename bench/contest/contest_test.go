//go:build linux

package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/molva-ws/molva/bench/internal/contest"
	"github.com/molva-ws/molva/bench/internal/ledger"
	"github.com/molva-ws/molva/bench/internal/machine"
)

func flags(t *testing.T, args ...string) *options {
	t.Helper()
	o, err := parseFlags(args)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestCellsAreAllCombinations(t *testing.T) {
	o := flags(t, "-sizes", "1,2", "-conns", "3", "-inflight", "4,5", "-kind", "binary", "-compress")
	var got []string
	for _, c := range o.cells() {
		got = append(got, c.Key())
	}
	want := []string{"echo-compress-1b-3c-4f", "echo-compress-1b-3c-5f", "echo-compress-2b-3c-4f", "echo-compress-2b-3c-5f"}
	if !slices.Equal(got, want) || !o.custom {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestServersKeepTheirOrder(t *testing.T) {
	o := flags(t, "-servers", "molva,gws", "-server", "old=./echo -x -addr {addr}", "-rawserver", "c=./c {addr}")
	var names []string
	for _, s := range o.servers {
		names = append(names, s.Name)
	}
	if want := []string{"old", "c", "molva", "gws"}; !slices.Equal(names, want) {
		t.Fatalf("%v, want %v", names, want)
	}
	if o.servers[0].Raw || !o.servers[1].Raw || !slices.Equal(o.servers[0].Command, []string{"./echo", "-x", "-addr", "{addr}"}) {
		t.Errorf("%+v", o.servers[:2])
	}
}

func TestWrongFlagsAreRefused(t *testing.T) {
	for _, args := range []string{
		"-servers nobody", "-servers ,", "-server x=./no-address", "-server ={addr}", "-conns many", "-repeats 0",
		"-mode walk", "-only [", "-only echo-* -servers molva", "-quick -conns 1", "-no-such-flag", "word",
	} {
		_, err := parseFlags(strings.Fields(args))
		if err == nil {
			t.Errorf("%s: accepted", args)
		} else if code := exitCode(err); code != exitUsage {
			t.Errorf("%s: exit code %d: %v", args, code, err)
		}
	}
	if _, err := parseFlags([]string{"-help"}); !errors.Is(err, flag.ErrHelp) {
		t.Error(err)
	}
	if code := exitCode(fmt.Errorf("so: %w", contest.ErrTime)); code != exitUnfinished {
		t.Errorf("out of time: exit code %d", code)
	}
}

func TestOnlySelectsByPattern(t *testing.T) {
	o := flags(t, "-only", "echo-128b-*,idle-100000c", "-only", "connect-*")
	d, err := document()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range d.Cells() {
		if o.selects(c.Key()) {
			got = append(got, c.Key())
		}
	}
	want := []string{"echo-128b-100c-1f", "echo-128b-1000c-1f", "echo-128b-10000c-1f", "echo-128b-100c-16f",
		"echo-128b-1000c-16f", "connect-64c", "idle-100000c"}
	if !slices.Equal(got, want) || o.custom {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestCellsOfTheDocumentDifferAndChartsAreOfThem(t *testing.T) {
	d, err := document()
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, c := range d.Cells() {
		if seen[c.Key()] {
			t.Errorf("%s is there twice", c.Key())
		}
		seen[c.Key()] = true
	}
	for _, p := range d.Charts {
		if !seen[p.Cell.Key()] {
			t.Errorf("%s draws %s, which is not measured", p.File, p.Cell.Key())
		}
	}
}

// keep puts a cell into the ledger, with so many of five runs of one server.
func keep(t *testing.T, l ledger.Ledger, c contest.Cell, commit string, m machine.Machine, runs int) {
	t.Helper()
	r := &ledger.Record{Commit: commit, Ended: time.Now(), Machine: m, Outcome: contest.Outcome{Cell: c, Repeats: 5,
		Rows: []contest.Row{{Name: "molva", Title: "molva", Role: contest.Own, Samples: make([]contest.Sample, runs)}}}}
	if err := l.Write(r); err != nil {
		t.Fatal(err)
	}
}

func newTestCampaign(t *testing.T, args ...string) *campaign {
	t.Helper()
	folder := t.TempDir()
	silent, err := os.Create(filepath.Join(folder, "progress"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	args = append(args, "-cache", filepath.Join(folder, "cache"), "-docs", filepath.Join(folder, "docs"))
	c, err := newCampaign(t.Context(), flags(t, args...), newProgress(silent))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWhatWasMeasuredBeforeIsGoneOnWith(t *testing.T) {
	cell := echo(128, 100, 1)
	here, elsewhere := "here", "elsewhere"
	for name, test := range map[string]struct {
		args   []string
		commit *string
		runs   int
		want   int // runs that stay
	}{
		"nothing":                     {runs: 0, want: 0},
		"a part":                      {commit: &here, runs: 3, want: 3},
		"the whole":                   {commit: &here, runs: 5, want: 5},
		"a part of another commit":    {commit: &elsewhere, runs: 3, want: 0},
		"the whole of another commit": {commit: &elsewhere, runs: 5, want: 5},
		"asked for again":             {args: []string{"-again"}, commit: &here, runs: 5, want: 0},
	} {
		t.Run(name, func(t *testing.T) {
			c := newTestCampaign(t, test.args...)
			c.commit = here
			if test.commit != nil {
				keep(t, c.ledger, cell, *test.commit, c.machine, test.runs)
			}
			o, err := c.earlier(cell)
			if err != nil {
				t.Fatal(err)
			}
			got := 0
			if o != nil {
				got = len(o.Rows[0].Samples)
			}
			if got != test.want {
				t.Errorf("%d runs stay, want %d", got, test.want)
			}
			if kept, err := c.ledger.Read(cell.Key()); test.args != nil && (kept != nil || err != nil) {
				t.Errorf("not forgotten: %v, %v", kept, err)
			}
		})
	}
}

func TestWhoFailedGetsAnotherTry(t *testing.T) {
	c := newTestCampaign(t)
	r := &ledger.Record{Commit: c.commit, Machine: c.machine, Outcome: contest.Outcome{Cell: echo(128, 100, 1), Repeats: 5,
		Rows: []contest.Row{{Name: "molva", Samples: make([]contest.Sample, 3), Failed: "run 4: it fell over"}}}}
	if err := c.ledger.Write(r); err != nil {
		t.Fatal(err)
	}
	if r.Outcome.Missing() != 0 {
		t.Error("who failed runs on")
	}
	if o, err := c.earlier(r.Outcome.Cell); err != nil || o.Missing() != 2 {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestListTellsWhatIsDone(t *testing.T) {
	c := newTestCampaign(t)
	keep(t, c.ledger, echo(128, 100, 1), "abc", c.machine, 3)
	var b bytes.Buffer
	if err := c.list(&b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != len(c.document.Cells())+1 || !strings.Contains(lines[0], "measured at abc") ||
		!strings.Contains(lines[0], "2 runs missing") || !strings.Contains(lines[1], "not measured") {
		t.Errorf("%s", b.String())
	}
	if last := lines[len(lines)-1]; !strings.HasPrefix(last, ledger.KernelsKey) || !strings.HasSuffix(last, "not measured") {
		t.Errorf("the loops are listed as %q", last)
	}
}

func TestTheDocumentIsWrittenWhenNothingIsMissing(t *testing.T) {
	c := newTestCampaign(t)
	written := filepath.Join(c.docs, "benchmarks.md")
	cells := c.document.Cells()
	for _, cell := range cells[1:] {
		keep(t, c.ledger, cell, "abc", c.machine, 5)
	}
	if err := c.finish(nil); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(written); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("written with a cell missing: %v", err)
	}
	keep(t, c.ledger, cells[0], "abc", c.machine, 5)
	if err := c.finish(nil); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(written)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{command, "## A million connections", "sudo sysctl -w fs.file-max=2100000", "-again -only echo-128b-100c-1f"} {
		if !strings.Contains(string(file), want) {
			t.Errorf("%q is not in\n%s", want, file)
		}
	}
}

func TestProgressTellsWhatIsLeft(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "progress"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	p := newProgress(file)
	o := &contest.Outcome{Repeats: 5, Rows: []contest.Row{{Name: "molva", Samples: make([]contest.Sample, 1)}}}
	p.note("nothing to do")
	p.expect([]*contest.Outcome{o})
	o.Rows[0].Samples = append(o.Rows[0].Samples, contest.Sample{Took: 10})
	p.say("in a line that changes, which a file has none of")
	p.note("a cell")
	o.Repeats = 2
	p.note("the end")
	got, err := os.ReadFile(file.Name())
	if want := "nothing to do\n[1 of 4 runs, about 40s left] a cell\nthe end\n"; err != nil || string(got) != want {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}
