//go:build linux

package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/molva-ws/molva/bench/internal/contest"
	"github.com/molva-ws/molva/bench/internal/ledger"
	"github.com/molva-ws/molva/bench/internal/machine"
	"github.com/molva-ws/molva/bench/internal/stats"
)

// outcome has three runs of everybody: the limit, molva at half of it, a peer a little ahead of that in all runs, one
// that is ahead in most, one behind, one missing, one that failed.
func outcome(mode contest.Mode) *contest.Outcome {
	row := func(name string, role contest.Role, values ...float64) contest.Row {
		r := contest.Row{Name: name, Title: "The " + name, Role: role, Version: name + " v1"}
		for _, v := range values {
			r.Samples = append(r.Samples, contest.Sample{PerCPUSecond: v, BytesPerConn: 1e6 / v, PerSecond: v,
				P50Micros: 999, P99Micros: 12345, ServerBusy: 0.98, ClientBusy: 0.5, ServerRSS: 12e6, MachinePerConn: 9000,
				OpenSeconds: 1.25, Processes: 7})
		}
		return r
	}
	missing := contest.Row{Name: "missing", Title: "The missing", Role: contest.Peer, Skipped: "install it", Missing: true}
	failed := row("failed", contest.Peer, 9000)
	failed.Failed = "run 2: it fell over"
	return &contest.Outcome{
		Cell: contest.Cell{Mode: mode, Size: 128, Conns: 1000, Inflight: 1}, Repeats: 3,
		Rows: []contest.Row{
			row("rawecho", contest.Limit, 2000, 2000, 2000),
			row("molva", contest.Own, 1000, 900, 1100),
			row("ahead", contest.Peer, 1100, 990, 1210),
			row("nearly", contest.Peer, 1010, 909, 550),
			row("<behind>", contest.Peer, 500, 500, 500),
			missing, failed,
		},
	}
}

func TestTablesGoFromTheBestToTheWorst(t *testing.T) {
	var b bytes.Buffer
	Of(outcome(contest.Echo)).Markdown(&b)
	want := `| server | messages per CPU second | to rawecho | to molva | per second | p50 | p99 | busy | client | memory |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|
| The rawecho | 2,000 | 1.00 | 2.00 (1.82–2.22) | 2,000 | 999 µs | 12 ms | 98 % | 50 % | 12 MB |
| The ahead | 1,100 | 0.55 (0.49–0.60) | 1.10 | 1,100 | 999 µs | 12 ms | 98 % | 50 % | 12 MB |
| The molva | 1,000 | 0.50 (0.45–0.55) | 1.00 | 1,000 | 999 µs | 12 ms | 98 % | 50 % | 12 MB |
| The nearly | 909 | 0.45 (0.28–0.51) | 1.01 (0.50–1.01) | 909 | 999 µs | 12 ms | 98 % | 50 % | 12 MB |
| The <behind> | 500 | 0.25 | 0.50 (0.45–0.56) | 500 | 999 µs | 12 ms | 98 % | 50 % | 12 MB |
`
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
	idle := Of(outcome(contest.Idle))
	if idle.Head[1] != "bytes per connection" || idle.Rows[0][0] != "The rawecho" || !slices.Contains(idle.Rows[0], "9,000") {
		t.Errorf("%v", idle)
	}
	var text strings.Builder
	if err := idle.Text(&text); err != nil || !strings.Contains(text.String(), "The ahead") {
		t.Errorf("%s, %v", text.String(), err)
	}
}

func TestWithoutLimitAndMolvaTheFirstIsWhatRatiosAreTo(t *testing.T) {
	o := outcome(contest.Echo)
	o.Rows = o.Rows[2:5]
	if got := Of(o); got.Head[2] != "to ahead" || got.Rows[0][2] != "1.00" {
		t.Errorf("%v", got)
	}
}

func TestRemarksTellWhoIsAheadMissingOrBroken(t *testing.T) {
	const wantUnexplained = "echo-128b-1000c-1f ahead"
	o := outcome(contest.Echo)
	remarks, unexplained := Remarks(o, nil)
	want := []string{
		"The ahead is ahead of molva: 1.10.",
		"The nearly is ahead of molva: 1.01 (0.50–1.01). The runs do not agree on it.",
		"The missing is not measured: install it",
		"The failed failed in run 2: it fell over",
	}
	if !slices.Equal(remarks, want) || !slices.Equal(unexplained, []string{wantUnexplained}) {
		t.Errorf("%q, %q", remarks, unexplained)
	}
	notes, err := ParseNotes("# why\n\necho-*-16f *: not here\necho-* ahead: it skips: the check\n")
	if err != nil {
		t.Fatal(err)
	}
	remarks, unexplained = Remarks(o, notes)
	if remarks[0] != "The ahead is ahead of molva: 1.10. it skips: the check" || len(unexplained) > 0 {
		t.Errorf("%q, %q", remarks, unexplained)
	}
	if remarks, _ := Remarks(outcome(contest.Idle), nil); !strings.HasPrefix(remarks[0], "The ahead is ahead of molva: 0.91") {
		t.Errorf("less memory is ahead, too: %q", remarks)
	}
}

func TestWrongNotesAreRefused(t *testing.T) {
	for _, file := range []string{"echo-1: text", "echo ahead text", "a b c: text", "echo-[ ahead: text"} {
		if _, err := ParseNotes(file); !errors.Is(err, ErrNotes) || !strings.Contains(err.Error(), "line 1") {
			t.Errorf("%q: %v", file, err)
		}
	}
}

func TestFiguresAreShort(t *testing.T) {
	for f, want := range map[float64]string{0: "–", -1: "–", 0.4: "0", 12.4: "12", 999: "999", 1234: "1,230", 187_654: "188,000", 3_255_245: "3,260,000"} {
		if got := Figure(f); got != want {
			t.Errorf("%v: %s, want %s", f, got, want)
		}
	}
	for s, want := range map[stats.Spread]string{
		{}:                                     "–",
		{Median: 1, Min: 1, Max: 1}:            "1.00",
		{Median: 0.97, Min: 0.054, Max: 12.34}: "0.97 (0.054–12)",
	} {
		if got := Ratio(s); got != want {
			t.Errorf("%+v: %s, want %s", s, got, want)
		}
	}
	for f, want := range map[float64]string{0: "–", 12: "12 µs", 1500: "1.5 ms", 25_000: "25 ms", 2_500_000: "2.5 s"} {
		if got := micros(f); got != want {
			t.Errorf("%v µs: %s, want %s", f, got, want)
		}
	}
}

// texts returns what is written in an SVG image, which has to be XML.
func texts(t *testing.T, image []byte) (all []string) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(image))
	inText := false
	for {
		token, err := d.Token()
		switch token := token.(type) {
		case xml.StartElement:
			inText = token.Name.Local == "text"
		case xml.EndElement:
			inText = false
		case xml.CharData:
			if inText {
				all = append(all, string(token))
			}
		}
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestChartsShowEverybodyThatWasMeasured(t *testing.T) {
	got := texts(t, Chart(outcome(contest.Echo), "Echo & <more>"))
	want := []string{
		"Echo & <more>",
		"messages per CPU second, more is better; one processor; the line is the spread of 3 runs",
		"The rawecho", "2,000", "The ahead", "1,100", "The molva", "1,000", "The nearly", "909", "The <behind>", "500",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func record(o *contest.Outcome, commit string) *ledger.Record {
	return &ledger.Record{Commit: commit, Ended: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC), Outcome: *o,
		Machine: machine.Machine{Processor: "Fast One", Processors: 2, Memory: 1 << 30, System: "Linux 7", Go: "go1.26"}}
}

func TestDocumentsAreAssembledFromWhatIsThere(t *testing.T) {
	echo, idle := outcome(contest.Echo), outcome(contest.Idle)
	d := &Document{
		Command: "measure", Intro: "How it is done.",
		Sections: []Section{
			{Title: "Echo", Text: "To and fro.", Cells: []contest.Cell{echo.Cell, {Mode: contest.Connect, Conns: 64}}},
			{Title: "Idle", Cells: []contest.Cell{idle.Cell}},
		},
		Charts: []Picture{{File: "echo.svg", Title: "The echo", Cell: echo.Cell}, {File: "none.svg", Cell: contest.Cell{Mode: contest.Connect, Conns: 64}}},
	}
	folder := filepath.Join(t.TempDir(), "docs")
	unexplained, err := d.Write(folder, []*ledger.Record{record(echo, "abc"), record(idle, "def")})
	if want := []string{echo.Cell.Key() + " ahead", idle.Cell.Key() + " ahead"}; err != nil || !slices.Equal(unexplained, want) {
		t.Errorf("%q, %v, want %q", unexplained, err, want)
	}
	file, err := os.ReadFile(filepath.Join(folder, "benchmarks.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Measured and written by `measure`.\n",
		"| machine | 2 × Fast One, 1 GiB |\n| system | Linux 7 |\n| Go | go1.26 |\n| molva | abc; def |\n| measured | 2026-11-25 |\n",
		"| peers | rawecho v1; molva v1; ahead v1; nearly v1; <behind> v1; failed v1 |\n\nHow it is done.\n",
		"| echo: 128 B, 1,000 connections, 1 in flight | 0.50 (0.45–0.55) | The ahead | 1.10 |\n",
		"![The echo](echo.svg)\n",
		"## Echo\n\nTo and fro.\n\n### Echo: 128 B, 1,000 connections, 1 in flight\n\nAt abc, 2026-11-25. Medians of 3 runs; again: `measure -again -only echo-128b-1000c-1f`\n\n| server |",
		"\n- The missing is not measured: install it\n",
		"### Connect: 64 connections at a time\n\nNot measured.\n",
	} {
		if !strings.Contains(string(file), want) {
			t.Errorf("%q is not in\n%s", want, file)
		}
	}
	if image, err := os.ReadFile(filepath.Join(folder, "echo.svg")); err != nil || len(texts(t, image)) == 0 {
		t.Error(err)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 2 {
		t.Error(entries, err)
	}
}

func TestDocumentsNameEveryCommitThatWasMeasured(t *testing.T) {
	echo := outcome(contest.Echo)
	d := &Document{
		Sections: []Section{{Title: "Echo", Cells: []contest.Cell{echo.Cell}}},
		Kernels:  &ledger.Kernels{Commit: "fed"},
	}
	folder := t.TempDir()
	if _, err := d.Write(folder, []*ledger.Record{record(echo, "abc")}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(folder, "benchmarks.md"))
	if err != nil || !strings.Contains(string(text), "\n| molva | abc; fed |\n") {
		t.Errorf("%v: %s", err, text)
	}
}

func TestDocumentsOfNothingSayThatTheyAre(t *testing.T) {
	d := &Document{Command: "measure", Sections: []Section{{Title: "Echo", Cells: []contest.Cell{{Mode: contest.Echo}}}}}
	folder := t.TempDir()
	if _, err := d.Write(folder, nil); err != nil {
		t.Fatal(err)
	}
	if file, err := os.ReadFile(filepath.Join(folder, "benchmarks.md")); err != nil || !strings.Contains(string(file), "Not measured.") {
		t.Error(string(file), err)
	}
}

func TestRunsYetToBeMadeAreTold(t *testing.T) {
	o := outcome(contest.Echo)
	if got := Runs(o); got != "medians of 3 runs" {
		t.Error(got)
	}
	o.Rows[1].Samples = o.Rows[1].Samples[:1]
	if got := Runs(o); got != fmt.Sprintf("medians of 3 runs, %d in all yet to be made", 2) {
		t.Error(got)
	}
	if o.Repeats = 1; Runs(o) != "one run" {
		t.Error(Runs(o))
	}
}
