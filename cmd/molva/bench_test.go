//go:build unix

package main

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/internal/freeaddr"
	"github.com/molva-ws/molva/internal/load"
	"github.com/molva-ws/molva/internal/load/faulty"
)

// benchServer starts a server for molva bench and returns its URL.
func benchServer(t *testing.T, srv *molva.Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if srv.OnMessage == nil {
		srv.OnMessage = func(c *molva.Conn, m molva.Message) { c.Write(context.Background(), m) }
	}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(l) }()
	t.Cleanup(func() {
		srv.Close()
		<-ended
	})
	return "ws://" + l.Addr().String() + "/"
}

// quickly are flags by which a run does not take long.
var quickly = map[string][]string{
	"echo":   {"-d", "200ms", "--warmup", "50ms", "-c", "10", "-n", "4"},
	"idle":   {"--hold", "50ms", "-c", "10"},
	"fanout": {"-d", "200ms", "--warmup", "0s", "-c", "10"},
	"storm":  {"-c", "10", "--rounds", "2"},
	"soak":   {"-d", "200ms", "--warmup", "0s", "--lifetime", "50"},
}

// benchRun runs molva bench with few connections and for a short time; more flags override that.
func benchRun(t *testing.T, mode, url string, more ...string) result {
	t.Helper()
	args := append([]string{"bench", mode, url}, quickly[mode]...)
	return molvaRun(t, "", append(args, more...)...)
}

// broadcasting returns a server that sends every message to everybody.
func broadcasting() *molva.Server {
	srv := new(molva.Server)
	srv.OnMessage = func(_ *molva.Conn, m molva.Message) { srv.Broadcast(m) }
	return srv
}

func TestBenchReportsEveryKindOfRun(t *testing.T) {
	wanted := map[string][]string{
		"echo":   {"echo: 10 connections, 4 in flight, 128 bytes of binary", "messages a second", "not corrected"},
		"idle":   {"idle: 10 connections", "10 messages, each on a connection of its own", "memory per connection"},
		"fanout": {"deliveries a second", "to 9 receivers each"},
		"storm":  {"round 2: all served in", "from the cut"},
		"soak":   {"connections replaced", "pings"},
	}
	for mode, texts := range wanted {
		t.Run(mode, func(t *testing.T) {
			srv := new(molva.Server)
			if mode == "fanout" {
				srv = broadcasting()
			}
			r := benchRun(t, mode, benchServer(t, srv), "--pid", strconv.Itoa(os.Getpid()))
			for _, text := range append(texts, "\nlatency, ", "█", "99.9%", "with all connections open", "every byte was checked") {
				r.wantsText(t, 0, text, "")
			}
			if strings.Contains(r.out, "\x1b") || r.errOut != "" {
				t.Errorf("colours or progress without a terminal: %q %q", r.out, r.errOut)
			}
		})
	}
}

func TestBenchPrintsAResultAsJSON(t *testing.T) {
	url := benchServer(t, new(molva.Server))
	r := benchRun(t, "echo", url, "--json", "--rate", "1000", "-s", "1k", "--kind", "unicode")
	var got load.Result
	if err := json.Unmarshal([]byte(r.out), &got); err != nil || r.code != 0 || strings.Count(r.out, "\n") != 1 {
		t.Fatalf("%v: %+v", err, r)
	}
	if got.Mode != load.Echo || got.URL != url || got.Size != 1024 || got.Kind != "unicode" || got.Inflight != 4 {
		t.Errorf("not what was asked for: %+v", got)
	}
	if !got.Corrected || got.Messages == 0 || got.P50Micros <= 0 || got.MaxMicros < got.P50Micros {
		t.Errorf("no figures: %+v", got)
	}
}

func TestBenchSoaksAtARate(t *testing.T) {
	url := benchServer(t, new(molva.Server))
	benchRun(t, "soak", url, "--rate", "2000").wantsText(t, 0, "corrected for coordinated omission", "")
	benchRun(t, "soak", url).wantsText(t, 0, "not corrected for coordinated omission", "")
}

func TestBenchWritesPercentilesForAPlotter(t *testing.T) {
	file := filepath.Join(t.TempDir(), "echo.hgrm")
	benchRun(t, "echo", benchServer(t, new(molva.Server)), "--hdr", file, "-q").wantsText(t, 0, "", "")
	got, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(got), "Value") || !strings.Contains(string(got), "1.000000") {
		t.Errorf("%v: %s", err, got)
	}
}

func TestBenchRefusesWhatMakesNoSense(t *testing.T) {
	for _, args := range [][]string{
		{"echo"},
		{"echo", "ftp://127.0.0.1/"},
		{"echo", ":1", "-c", "0"},
		{"echo", ":1", "-c", "9999999"},
		{"echo", ":1", "-n", "0"},
		{"echo", ":1", "-d", "0s"},
		{"echo", ":1", "--rate=-1"},
		{"echo", ":1", "--rate", "Inf"},
		{"echo", ":1", "--ramp", "NaN"},
		{"echo", ":1", "--protocol", "molva", "--kind", "binary"},
		{"echo", ""},
		{"echo", ":1", "--kind", "prose"},
		{"echo", ":1", "--size", "many"},
		{"echo", ":1", "--header", "nothing"},
		{"echo", ":1", "--raw", "--compress"},
		{"fanout", ":1", "-c", "1"},
		{"soak", ":1", "-s", "4"},
		{"storm", ":1", "--rounds", "0"},
		{"dance", ":1"},
	} {
		if r := molvaRun(t, "", append([]string{"bench"}, args...)...); r.code != exitUsage || r.out != "" || r.errOut == "" {
			t.Errorf("%v: %+v", args, r)
		}
	}
}

func TestBenchSaysWhyItCannotConnect(t *testing.T) {
	nobody := freeaddr.Get(t)
	benchRun(t, "echo", nobody).wantsText(t, exitFailed, "", "nobody listens on "+nobody)
	benchRun(t, "echo", benchServer(t, new(molva.Server)), "--compress").
		wantsText(t, exitFailed, "", "the server did not agree to compression")
	benchRun(t, "echo", benchServer(t, new(molva.Server)), "--pid", "999999999").
		wantsText(t, exitFailed, "", "the server's process: ")
	benchRun(t, "echo", benchServer(t, new(molva.Server)), "-H", "Origin: https://elsewhere.example").
		wantsText(t, exitFailed, "", "403")
}

func TestBenchSaysWhatKindOfServerItNeeds(t *testing.T) {
	echoes := benchServer(t, new(molva.Server))
	benchRun(t, "fanout", echoes, "--timeout", "500ms").wantsText(t, exitFailed, "", "measured with molva bench echo")
	benchRun(t, "echo", echoes, "--raw", "--timeout", "500ms").wantsText(t, exitFailed, "", "leave --raw out")
	benchRun(t, "echo", benchServer(t, broadcasting())).wantsText(t, exitFailed, "", "molva bench fanout measures that")
	mute := &molva.Server{OnMessage: func(*molva.Conn, molva.Message) {}}
	benchRun(t, "idle", benchServer(t, mute), "--timeout", "500ms").wantsText(t, exitFailed, "", "does the server send back what it gets?")
	talks := &molva.Server{OnOpen: func(c *molva.Conn) { c.Send(molva.Text("welcome to this server")) }}
	benchRun(t, "echo", benchServer(t, talks)).wantsText(t, exitFailed, "", "it begins with welcome ")
	faulty := benchRun(t, "echo", benchServer(t, faulty.NewServer(faulty.Doubled, 200, 1)), "--messages", "2000")
	if faulty.wantsText(t, exitFailed, "", "doubled"); strings.Contains(faulty.errOut, "molva bench") {
		t.Errorf("it takes a faulty server for one of another kind: %s", faulty.errOut)
	}
}

func TestBenchDoesNotBeginWhereItCannotWriteItsPercentiles(t *testing.T) {
	opened := make(chan struct{}, 100)
	url := benchServer(t, &molva.Server{OnOpen: func(*molva.Conn) { opened <- struct{}{} }})
	file := filepath.Join(t.TempDir(), "nowhere", "echo.hgrm")
	benchRun(t, "echo", url, "--hdr", file).wantsText(t, exitFailed, "", "--hdr: open "+file)
	if len(opened) > 0 {
		t.Error("it has connected")
	}
}

func TestBenchLeavesNoFileOfPercentilesThatWereNotMeasured(t *testing.T) {
	file := filepath.Join(t.TempDir(), "echo.hgrm")
	benchRun(t, "echo", freeaddr.Get(t), "--hdr", file).wantsText(t, exitFailed, "", "nobody listens")
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("it is there: %v", err)
	}
}

func TestBenchPointsToTheHelpOfItsMode(t *testing.T) {
	molvaRun(t, "", "bench", "soak", ":1", "--kind", "text").wantsText(t, exitUsage, "", "; molva bench soak --help lists")
	molvaRun(t, "", "bench").wantsText(t, exitUsage, "", "; molva bench --help lists")
	molvaRun(t, "", "dance").wantsText(t, exitUsage, "", "; molva --help lists")
}

func TestBenchHelpTeaches(t *testing.T) {
	for mode := range quickly {
		molvaRun(t, "", "bench", mode, "--help").wantsText(t, 0, "molva bench "+mode+" ", "")
	}
	molvaRun(t, "", "bench", "--help").wantsText(t, 0, "exit code 1", "")
}
