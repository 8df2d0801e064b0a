package benchreport

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/molva-ws/molva/internal/load"
)

func TestProgressIsALineEveryTwoSecondsInALog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		p := NewProgress(&out, nil)
		for range 5 {
			time.Sleep(time.Second)
			p.Show(load.Progress{Phase: "measuring", Elapsed: time.Second, Conns: 2, Open: 1})
		}
		p.Clear()
		if got := strings.Count(out.String(), "measuring, 1 s: 1 of 2 connections\n"); got != 2 {
			t.Errorf("%d lines in five seconds: %q", got, out.String())
		}
	})
}

func TestProgressStaysOnOneLineOfANarrowTerminal(t *testing.T) {
	var out strings.Builder
	columns := 30
	p := NewProgress(&out, func() int { return columns })
	measuring := load.Progress{Phase: "measuring", Conns: 1000, Open: 1000, Messages: 5, Rate: 1e6}
	p.Show(measuring)
	columns = 20 // somebody draws the window smaller
	p.Show(measuring)
	p.Clear()
	want := "\rmeasuring, 0 s: 1,000 connect\rmeasuring, 0 s: 1,0\r" + strings.Repeat(" ", 19) + "\r"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

func TestProgressLeavesNothingOnATerminal(t *testing.T) {
	var out strings.Builder
	p := NewProgress(&out, func() int { return 80 })
	p.Show(load.Progress{Phase: "a long phase", Conns: 1000, Open: 1000, Messages: 5, Rate: 1e6, Faults: 1})
	p.Show(load.Progress{Phase: "short", Conns: 1, Open: 1})
	p.Clear()
	p.Clear()
	long := "\ra long phase, 0 s: 1,000 connections, 1,000,000 messages/s, 1 fault"
	short := "\rshort, 0 s: 1 connection"
	blank := strings.Repeat(" ", len(long)-len(short))
	want := long + short + blank + "\r" + strings.Repeat(" ", len(short)-1) + "\r"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
	if len(long) > 80 {
		t.Errorf("%d characters", len(long))
	}
}
