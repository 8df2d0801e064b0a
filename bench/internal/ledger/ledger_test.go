//go:build linux

package ledger

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/molva-ws/molva/bench/internal/contest"
	"github.com/molva-ws/molva/bench/internal/machine"
)

func record(conns int) *Record {
	return &Record{
		Commit:  "abc",
		Ended:   time.Date(2026, 11, 25, 1, 2, 3, 4, time.UTC),
		Machine: machine.Machine{Processor: "some", Processors: 2, Memory: 1 << 30},
		Outcome: contest.Outcome{
			Cell:    contest.Cell{Mode: contest.Idle, Conns: conns, Only: []string{"molva"}, Repeats: 1},
			Repeats: 1,
			Rows:    []contest.Row{{Name: "molva", Samples: []contest.Sample{{BytesPerConn: 411.5, Took: 2}}}},
		},
	}
}

func TestRecordsAreKeptAndForgotten(t *testing.T) {
	l := Ledger(filepath.Join(t.TempDir(), "not", "there"))
	one, two := record(1), record(2)
	for _, r := range []*Record{two, one, one} {
		if err := l.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	none := contest.Cell{Mode: contest.Idle, Conns: 3}
	got, err := l.Records([]contest.Cell{one.Outcome.Cell, none, two.Outcome.Cell})
	if err != nil || !reflect.DeepEqual(got, []*Record{one, two}) {
		t.Fatalf("%+v, %v", got, err)
	}
	for range 2 { // forgetting twice is no error
		if err := l.Forget(one.Outcome.Cell.Key()); err != nil {
			t.Fatal(err)
		}
	}
	if r, err := l.Read(one.Outcome.Cell.Key()); r != nil || err != nil {
		t.Errorf("forgotten, and there: %+v, %v", r, err)
	}
}

func TestBrokenFilesAreNamed(t *testing.T) {
	l := Ledger(t.TempDir())
	if err := os.WriteFile(l.path("idle-1c"), []byte(`{"commit": 7`), 0o666); err != nil {
		t.Fatal(err)
	}
	_, err := l.Read("idle-1c")
	if err == nil || !strings.Contains(err.Error(), "idle-1c.json") || !strings.Contains(err.Error(), "remove the file") {
		t.Errorf("%v", err)
	}
	if _, err := l.Records([]contest.Cell{record(1).Outcome.Cell}); err == nil {
		t.Error("records without complaint")
	}
}
