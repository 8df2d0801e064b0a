//go:build linux

package contest

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/molva-ws/molva/internal/load"
)

// TestReportsOfTheLoadGeneratorAreRead begins with the generator's own type, so that a name changed there is noticed.
func TestReportsOfTheLoadGeneratorAreRead(t *testing.T) {
	printed, err := json.Marshal(load.Result{
		Messages: 10, MessagesPerSecond: 1, PerCPUSecond: 2, ServerBusy: 3, ClientBusy: 4,
		Percentiles: load.Percentiles{P50Micros: 5, P99Micros: 6}, ServerRSS: 7, BytesPerConn: 8,
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := parseReport(printed)
	want := Sample{PerSecond: 1, PerCPUSecond: 2, ServerBusy: 3, ClientBusy: 4, P50Micros: 5, P99Micros: 6, ServerRSS: 7, BytesPerConn: 8}
	if err != nil || r.sample() != want {
		t.Errorf("%+v, %v; want %+v", r.sample(), err, want)
	}
}

func TestReportsOfNothingAreNoResults(t *testing.T) {
	faulty, err := json.Marshal(load.Result{Messages: 1, MessagesPerSecond: 1, FaultCounts: map[string]uint64{"missing": 1}})
	if err != nil {
		t.Fatal(err)
	}
	for printed, want := range map[string]error{
		"":                                     errReport,
		"{":                                    errReport,
		"{}":                                   errNoFigures,
		`{"messages": 7}`:                      errNoFigures,
		`{"messages_per_second": 7}`:           errNoFigures,
		`{"messages": "seven"}`:                errReport,
		string(faulty):                         errFaults,
		`{"messages":1,"messages_per_second"0`: errReport,
	} {
		if _, err := parseReport([]byte(printed)); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", printed, err, want)
		}
	}
}

func TestMuchUnderWayTakesLonger(t *testing.T) {
	usual := Timing{Duration: 2 * time.Second, Warmup: time.Second, Hold: time.Second}
	if got := usual.of(Cell{Mode: Echo, Size: 64 << 10, Conns: 1000, Inflight: 1}); got != usual {
		t.Errorf("64 MiB under way: %+v", got)
	}
	if got := usual.of(Cell{Mode: Echo, Size: 64 << 10, Conns: 10_000, Inflight: 1}); got.Duration <= usual.Duration || got.Warmup <= usual.Warmup {
		t.Errorf("640 MiB under way: %+v", got)
	}
}
