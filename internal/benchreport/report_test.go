package benchreport

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/molva-ws/molva/internal/load"
)

// spread returns a histogram of durations, each as many times as its microseconds' last digit says, and once more.
func spread(micros ...int) *load.Histogram {
	h := new(load.Histogram)
	for _, us := range micros {
		for range us%10 + 1 {
			h.Record(time.Duration(us) * time.Microsecond)
		}
	}
	return h
}

func TestBarsHoldEverythingInOrder(t *testing.T) {
	h := spread(1, 95, 100, 101, 149, 150, 151, 9_999, 2_000_007)
	var total uint64
	last := time.Duration(0)
	for _, b := range bars(h) {
		if b.upTo <= last {
			t.Errorf("%v comes after %v", b.upTo, last)
		}
		last = b.upTo
		total += b.count
	}
	if total != h.Count() || last != 3*time.Second {
		t.Errorf("%d of %d, up to %v", total, h.Count(), last)
	}
	if all := bars(new(load.Histogram)); all != nil {
		t.Errorf("of nothing: %v", all)
	}
}

func TestEdgesAreNotBelow(t *testing.T) {
	for _, k := range []struct{ d, want time.Duration }{
		{0, time.Microsecond}, {999, time.Microsecond}, {1001, 1500}, {1500, 1500}, {7001, 10_000},
		{time.Second, time.Second}, {time.Second + 1, 1500 * time.Millisecond},
	} {
		if got := edgeAbove(k.d); got != k.want {
			t.Errorf("above %v is %v, not %v", k.d, got, k.want)
		}
	}
}

func TestLongestBarIsFull(t *testing.T) {
	if got := drawn(1); got != strings.Repeat("█", barWidth) {
		t.Errorf("%q", got)
	}
	if got := drawn(0.0001); got != "▏" {
		t.Errorf("a bar of something looks like nothing: %q", got)
	}
	if got := drawn(0); got != "" {
		t.Errorf("a bar of nothing: %q", got)
	}
	if got := percent(0, 0); got != "     0" {
		t.Errorf("a share of nothing: %q", got)
	}
}

func TestNumbersAreReadable(t *testing.T) {
	for got, want := range map[string]string{
		grouped(999):             "999",
		grouped(-1234567):        "-1,234,567",
		plural(1, "fault"):       "1 fault",
		plural(12000, "message"): "12,000 messages",
		rounded(49.94):           "49.9",
		rounded(12345.6):         "12,346",
		bytes(1023):              "1023 B",
		bytes(1536):              "1.5 KiB",
		bytes(3 << 30):           "3.0 GiB",
		span(0):                  "0 µs",
		span(4567):               "4.57 µs",
		span(999_600):            "1000 µs",
		span(12_340_000):         "12.3 ms",
		span(90 * time.Second):   "90.0 s",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func write(t *testing.T, r *load.Result) string {
	t.Helper()
	var out strings.Builder
	if err := Write(&out, r, false); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestReportSaysHowLatencyIsCounted(t *testing.T) {
	r := &load.Result{Mode: load.Echo, Conns: 2, Messages: 10, Seconds: 1, Latency: spread(100)}
	if got := write(t, r); !strings.Contains(got, "not corrected for coordinated omission") ||
		strings.Contains(got, "from due") {
		t.Error(got)
	}
	r.Rate, r.Corrected = 10, true
	r.MaxMicros, r.Uncorrected = 300, &load.Percentiles{MaxMicros: 100}
	got := write(t, r)
	if !strings.Contains(got, "\n  corrected for coordinated omission\n") ||
		!regexp.MustCompile(`(?m)^  100% +300 µs +100 µs$`).MatchString(got) {
		t.Error(got)
	}
}

func TestReportTellsOfTheServerOnlyIfItIsKnown(t *testing.T) {
	r := &load.Result{Mode: load.Echo, Messages: 1000, ServerCPUSeconds: 0.5, ServerBusy: 0.25, PerCPUSecond: 2000}
	if got := write(t, r); strings.Contains(got, "CPU") {
		t.Error(got)
	}
	r.ServerRSS, r.BytesPerConn = 10<<20, 2048
	got := write(t, r)
	for _, want := range []string{"0.50 s, 25% of one processor", "2,000", "10.0 MiB", "2.0 KiB"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s: %s", want, got)
		}
	}
	r.BytesPerConn = -5
	if got := write(t, r); !strings.Contains(got, "start it again to see") {
		t.Error(got)
	}
}

func TestNotesSayWhatFiguresAreWorth(t *testing.T) {
	for want, r := range map[string]*load.Result{
		"3 messages fell due and could not be sent": {Mode: load.Echo, Unsent: 3},
		"this client was busy for 99%":              {Mode: load.Echo, Loops: 1, ClientBusy: 0.99, ServerBusy: 0.5},
		"net.core.somaxconn":                        {Mode: load.Storm, Overflows: 2},
		"no more than 50 messages a second":         {Mode: load.Fanout, Conns: 2, RateLimit: 50},
		"molva serve --max-messages 0":              {Mode: load.Echo, RateLimit: 50},
		"are they the server's?":                    {Mode: load.Echo, Messages: 1_000_000, ServerRSS: 1 << 20, ServerCPUSeconds: 0.01},
		"every byte was checked":                    {Mode: load.Echo},
	} {
		if got := write(t, r); !strings.Contains(got, want) {
			t.Errorf("no %q: %s", want, got)
		}
	}
	for _, r := range []*load.Result{
		{Mode: load.Idle, RateLimit: 50},
		{Mode: load.Echo, Messages: 100_000, ServerRSS: 1 << 20, ServerCPUSeconds: 0.4},
		{Mode: load.Idle, Messages: 1001, ServerRSS: 1 << 20},
	} {
		if got := write(t, r); strings.Contains(got, "\nnotes\n") {
			t.Errorf("a note where none is needed: %s", got)
		}
	}
	for _, r := range []*load.Result{{Interrupted: true}, {Faults: []load.Fault{{}}}} {
		if got := write(t, r); strings.Contains(got, "every byte was checked") {
			t.Errorf("it says that all is well: %s", got)
		}
	}
	busy := &load.Result{Mode: load.Echo, Loops: 1, ClientBusy: 0.99, ServerBusy: 0.99}
	if got := write(t, busy); strings.Contains(got, "this client was busy") {
		t.Errorf("the server was busy, too: %s", got)
	}
}

func TestAccountCountsAndNamesFaults(t *testing.T) {
	r := &load.Result{
		FaultCounts: map[string]uint64{"missing": 1200, "doubled": 1},
		Faults:      []load.Fault{{Kind: load.Missing, Conn: 4, Message: 17, Detail: "later ones have come"}},
		Advice:      "look there",
	}
	want := "the server was caught: 1 doubled, 1,200 missing\n" +
		"  connection 4, message 17: missing: later ones have come\n  and 1,200 more\nlook there"
	if got := Account(r); got != want {
		t.Errorf("%s", got)
	}
}

func TestPercentilesAreThoseOfTheHistogram(t *testing.T) {
	h := spread(100, 200, 300)
	var out strings.Builder
	if err := WritePercentiles(&out, &load.Result{Latency: h}); err != nil {
		t.Fatal(err)
	}
	last := ""
	for line := range strings.Lines(out.String()) {
		if !strings.HasPrefix(line, "#") {
			last = line
		}
	}
	value, err := strconv.ParseFloat(strings.Fields(last)[0], 64)
	if max := float64(h.Max()) / float64(time.Millisecond); err != nil || value < 0.99*max || value > 1.01*max {
		t.Errorf("%v, %v: %s", value, err, out.String())
	}
}

func TestJSONHasNothingOfAServerThatIsNotKnown(t *testing.T) {
	for known, rss := range map[bool]int64{false: 0, true: 1 << 20} {
		var out strings.Builder
		r := &load.Result{Mode: load.Echo, ServerRSS: rss, ServerCPUSeconds: float64(rss)}
		if err := WriteJSON(&out, r); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(out.String(), `"server_cpu_seconds":`) != known ||
			strings.Contains(out.String(), `"server_rss_bytes":`) != known {
			t.Error(out.String())
		}
	}
}

func TestJSONIsOneLine(t *testing.T) {
	var out strings.Builder
	want := &load.Result{Mode: load.Echo, Faults: []load.Fault{{Kind: load.Doubled, Message: 3}}}
	if err := WriteJSON(&out, want); err != nil {
		t.Fatal(err)
	}
	var got load.Result
	if err := json.Unmarshal([]byte(out.String()), &got); err != nil || len(got.Faults) != 1 || got.Faults[0] != want.Faults[0] {
		t.Errorf("%v: %s", err, out.String())
	}
}

func TestHistogramAgreesWithHdrHistogram(t *testing.T) {
	reference := hdrhistogram.New(1, int64(time.Minute), 3)
	own := new(load.Histogram)
	random := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		d := time.Duration(math.Exp(5+15*random.Float64())) + 1 // from 150 ns to half a second
		own.Record(d)
		if err := reference.RecordValue(int64(d)); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []float64{0.1, 1, 10, 50, 90, 99, 99.9, 99.99, 100} {
		want := float64(reference.ValueAtQuantile(p))
		if got := float64(own.Percentile(p)); math.Abs(got-want) > 0.01*want {
			t.Errorf("%v%%: %v, and HdrHistogram has %v", p, got, want)
		}
	}
	if got, want := float64(own.Mean()), reference.Mean(); math.Abs(got-want) > 0.01*want {
		t.Errorf("mean: %v, and HdrHistogram has %v", got, want)
	}
}
