//go:build linux

package contest

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// newRunner returns one that is prepared, and measures for a moment.
func newRunner(t *testing.T, contenders ...Contender) *Runner {
	t.Helper()
	w := shared(t)
	last := runtime.NumCPU() - 1
	r := &Runner{
		Contenders: contenders, Repeats: 2, ClientCPU: last, PerProcess: 20,
		Timing:   Timing{Duration: time.Second, Warmup: 20 * time.Millisecond, Hold: 300 * time.Millisecond},
		Progress: func(string) {},
	}
	if err := r.prepareIn(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	return r
}

func chosen(t *testing.T, names string) []Contender {
	t.Helper()
	all, err := Choose(names)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func begin(t *testing.T, r *Runner, c Cell, earlier *Outcome) *Outcome {
	t.Helper()
	o, err := r.Begin(c, earlier)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestEveryModeIsMeasured(t *testing.T) {
	r := newRunner(t, chosen(t, "rawecho,molva")...)
	for _, c := range []Cell{
		{Mode: Echo, Size: 128, Conns: 10, Inflight: 2},
		{Mode: Fanout, Size: 128, Conns: 10, Inflight: 1},
		{Mode: Connect, Conns: 4},
		{Mode: Idle, Size: 128, Conns: 50, Inflight: 1},
	} {
		t.Run(string(c.Mode), func(t *testing.T) {
			o := begin(t, r, c, nil)
			if err := r.Measure(t.Context(), o); err != nil {
				t.Fatal(err)
			}
			for _, row := range o.Rows {
				if row.Failed != "" || len(row.Samples) != r.Repeats {
					t.Fatalf("%+v", row)
				}
				for _, s := range row.Samples {
					if s.PerSecond <= 0 || s.ServerRSS <= 0 || s.Took <= 0 {
						t.Errorf("%s: %+v", row.Name, s)
					}
					if c.Mode == Idle && (s.Processes != 3 || s.Echoes != c.Conns || s.OpenSeconds <= 0) {
						t.Errorf("%s: %+v; want 3 processes, and everybody to echo", row.Name, s)
					}
				}
			}
		})
	}
}

// TestRunsAreInterleavedAndResumed stops in the middle, sends what there is through JSON, and goes on with it.
func TestRunsAreInterleavedAndResumed(t *testing.T) {
	r := newRunner(t, chosen(t, "rawecho,molva")...)
	r.Repeats = 3
	c := Cell{Mode: Echo, Size: 16, Conns: 10, Inflight: 1}
	var order []string
	var kept []byte
	ctx, stop := context.WithCancel(t.Context())
	r.Progress = func(what string) { order = append(order, what[strings.LastIndex(what, " ")+1:]) }
	r.Save = func(o *Outcome) (err error) {
		kept, err = json.Marshal(o)
		if len(order) == 3 {
			stop()
		}
		return err
	}
	if err := r.Measure(ctx, begin(t, r, c, nil)); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	order = order[:3] // the fourth was interrupted
	earlier := new(Outcome)
	if err := json.Unmarshal(kept, earlier); err != nil {
		t.Fatal(err)
	}
	o := begin(t, r, c, earlier)
	if o.Missing() != 3 {
		t.Fatalf("%d runs are missing", o.Missing())
	}
	if err := r.Measure(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if want := []string{"rawecho", "molva", "rawecho", "molva", "rawecho", "molva"}; !slices.Equal(order, want) || o.Missing() > 0 {
		t.Errorf("%v, want %v; %d missing, %q %q", order, want, o.Missing(), o.Rows[0].Failed, o.Rows[1].Failed)
	}
}

func TestNoRunIsBegunThatWouldLastTooLongButTheFirst(t *testing.T) {
	r := newRunner(t, chosen(t, "rawecho")...)
	r.Until = time.Now().Add(time.Second)
	o := begin(t, r, Cell{Mode: Echo, Size: 16, Conns: 10, Inflight: 1}, nil)
	for range 2 {
		if err := r.Measure(t.Context(), o); !errors.Is(err, ErrTime) {
			t.Error(err)
		}
		if n := len(o.Rows[0].Samples); n != 1 {
			t.Errorf("%d runs, want 1; %s", n, o.Rows[0].Failed)
		}
	}
}

func TestWhoCannotRunIsNamedAndOthersGoOn(t *testing.T) {
	deaf, err := ParseCustom("deaf=/bin/false {addr}", false)
	if err != nil {
		t.Fatal(err)
	}
	missing := Contender{Name: "missing", Role: Peer, Requires: []string{os.Args[0] + "-is-not-there"}, Advice: "install it"}
	unfit := php()
	r := newRunner(t, missing, unfit, chosen(t, "rawecho")[0])
	r.Repeats = 1
	o := begin(t, r, Cell{Mode: Echo, Size: 16, Conns: 2000, Inflight: 1}, nil)
	if err := r.Measure(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if row := o.Row("missing"); !row.Missing || !strings.Contains(row.Skipped, "install it") {
		t.Errorf("%+v", row)
	}
	if row := o.Row("php"); !strings.Contains(row.Skipped, "1,024 descriptors") && !row.Missing {
		t.Errorf("%+v", row)
	}
	if row := o.Row("rawecho"); !row.Measured() {
		t.Errorf("%+v", row)
	}
	if _, err := launch(t.Context(), &deaf, Cell{Mode: Echo}, 1, 0); !errors.Is(err, errNotListening) {
		t.Errorf("a server that does not listen: %v", err)
	}
}

func TestOnlyTheInvitedTakePart(t *testing.T) {
	r := newRunner(t, chosen(t, "rawecho,molva")...)
	o := begin(t, r, Cell{Mode: Idle, Conns: 10, Only: []string{MolvaName}, Repeats: 1}, nil)
	if len(o.Rows) != 1 || o.Rows[0].Name != MolvaName || o.Missing() != 1 {
		t.Errorf("%+v", o)
	}
}
