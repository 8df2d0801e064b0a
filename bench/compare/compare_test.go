//go:build linux

package main

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/molva-ws/molva/bench/internal/stats"
)

func TestCellsAreAllCombinations(t *testing.T) {
	p, err := parseFlags([]string{"-sizes", "1,2", "-conns", "3", "-inflight", "4,5"})
	if err != nil {
		t.Fatal(err)
	}
	want := []cell{{1, 3, 4}, {1, 3, 5}, {2, 3, 4}, {2, 3, 5}}
	if got := p.cells(); !slices.Equal(got, want) {
		t.Fatalf("%v, want %v", got, want)
	}
}

func TestServersKeepTheirOrder(t *testing.T) {
	p, err := parseFlags([]string{"-servers", "molva,gws", "-server", "old=./echo -x -addr {addr}", "-rawserver", "c=./c {addr}"})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range p.servers {
		names = append(names, s.name)
	}
	if want := []string{"old", "c", "molva", "gws"}; !slices.Equal(names, want) {
		t.Fatalf("%v, want %v", names, want)
	}
	if p.servers[0].raw || !p.servers[1].raw || !slices.Equal(p.servers[0].command, []string{"./echo", "-x", "-addr", "{addr}"}) {
		t.Fatalf("%+v", p.servers[:2])
	}
}

func TestWrongFlagsAreRefused(t *testing.T) {
	for _, args := range []string{"-servers nobody", "-servers ,", "-server x=./no-address", "-server ={addr}", "-conns many", "-repeats 0"} {
		if _, err := parseFlags(strings.Fields(args)); err == nil {
			t.Errorf("%s: accepted", args)
		}
	}
	if _, err := parseFlags([]string{"-servers", "nobody"}); !errors.Is(err, errUsage) {
		t.Error(err)
	}
}

func TestTableComparesWithTheFirstServer(t *testing.T) {
	runs := func(perCPU ...float64) []sample {
		var all []sample
		for _, v := range perCPU {
			all = append(all, sample{PerCPUSecond: v, BytesPerConn: 1000 / v, ServerBusy: 0.99})
		}
		return all
	}
	o := &outcome{cell: cell{128, 100, 1}, Mode: "echo", Rows: []row{
		{Server: "limit", Samples: runs(100, 200, 400)},
		{Server: "other", Samples: runs(50, 180, 320)},
	}}
	o.compare()
	if want := (stats.Spread{Median: 0.8, Min: 0.5, Max: 0.9}); o.Rows[1].Ratio != want {
		t.Errorf("echo: %v, want %v", o.Rows[1].Ratio, want)
	}
	var table strings.Builder
	if err := o.print(&table); err != nil || !strings.Contains(table.String(), "other  0.80 (0.50–0.90)") {
		t.Errorf("%s, %v", table.String(), err)
	}
	o.Mode = "idle"
	if o.compare(); o.Rows[1].Ratio.Max != 2 {
		t.Errorf("idle compares memory: %v", o.Rows[1].Ratio)
	}
}
