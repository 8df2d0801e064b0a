package gateway_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/molva-ws/molva/gateway"
)

// scrape asks for the metrics as Prometheus does.
func scrape(t *testing.T, base string) map[string]*dto.MetricFamily {
	t.Helper()
	response, body := get("/metrics").with("Authorization").fetch(t, base)
	if response.StatusCode != 200 {
		t.Fatalf("%s: %s", response.Status, body)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// value adds up the metrics of a name that have all these labels, as in `door="http"`.
func value(families map[string]*dto.MetricFamily, name string, labels ...string) (sum float64) {
metrics:
	for _, m := range families["molva_"+name].GetMetric() {
		has := make(map[string]bool)
		for _, l := range m.GetLabel() {
			has[fmt.Sprintf("%s=%q", l.GetName(), l.GetValue())] = true
		}
		for _, l := range labels {
			if !has[l] {
				continue metrics
			}
		}
		sum += m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
	}
	return sum
}

func TestMetricsFollowTheConventions(t *testing.T) {
	base := openAPI(t, new(gateway.Gateway))
	get("/api/ping").answer(t, base)
	_, body := get("/metrics").fetch(t, base)
	problems, err := promlint.New(bytes.NewReader(body)).Lint()
	if err != nil || !bytes.Contains(body, []byte("molva_commands_total{")) {
		t.Fatalf("%v\n%s", err, body)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestMetricsTellWhatHappened(t *testing.T) {
	g := new(gateway.Gateway)
	base := openAPI(t, g)
	addr, path := strings.TrimPrefix(base, "http://"), openSocket(t, g)
	a, b := connect(t, addr, "a"), connect(t, addr, "a")
	connect(t, addr, "")
	a.must(`{"type":"join","room":"r"`)
	b.must(`{"type":"join","room":"r"`)
	post("/api/send", `{"room":"r","message":1}`).answer(t, base)
	post("/api/send", `{"room":"r"}`).answer(t, base)
	get("/api/rooms").answer(t, base)
	for i := range 100 {
		get(fmt.Sprint("/api/nothing", i)).answer(t, base)
	}
	s := dialScript(t, "unix", path)
	s.write(`{"command":"ping"}` + "\nnonsense\n" + `{"command":"nonsense"}` + "\n")
	for range 3 {
		s.answer()
	}
	for _, test := range []struct {
		name   string
		labels []string
		want   float64
	}{
		{"connections", nil, 3},
		{"users", nil, 1},
		{"rooms", nil, 1},
		{"outbox_bytes", nil, 0},
		{"handshakes_total", nil, 3},
		{"messages_received_total", nil, 2},
		{"messages_sent_total", nil, 3 + 2 + 2},
		{"commands_total", []string{`door="http"`, `command="send"`, `result="ok"`}, 1},
		{"commands_total", []string{`door="http"`, `command="send"`, `result="bad_field"`}, 1},
		{"commands_total", []string{`door="http"`}, 3},
		{"commands_total", []string{`door="socket"`, `command="ping"`, `result="ok"`}, 1},
		{"commands_total", []string{`door="socket"`, `command="other"`, `result="bad_json"`}, 1},
		{"commands_total", []string{`door="socket"`, `command="other"`, `result="bad_command"`}, 1},
		{"socket_connections", nil, 1},
		{"api_request_duration_seconds", []string{`path="send"`}, 2},
		{"api_request_duration_seconds", []string{`path="other"`}, 100},
		{"build_info", nil, 1},
	} {
		var got float64
		told := func() bool { got = value(scrape(t, base), test.name, test.labels...); return got == test.want }
		if !within(told) { // some may be counted only after the answer
			t.Errorf("%s%v is %v; want %v", test.name, test.labels, got, test.want)
		}
	}
	families := scrape(t, base)
	if families["go_goroutines"] == nil || families["process_open_fds"] == nil {
		t.Error("the process is not among them")
	}
}

func TestMetricsAreForThisMachineAndForThoseWithAKey(t *testing.T) {
	g := &gateway.Gateway{Keys: []string{testKey}}
	for _, test := range []struct {
		remote, host string
		header       http.Header
		status       int
	}{
		{"127.0.0.1:1", "localhost:8000", nil, 200},
		{"[::1]:1", "[::1]:8000", nil, 200},
		{"10.0.0.7:1", "localhost:8000", nil, 401},
		{"127.0.0.1:1", "evil.example", nil, 401},
		{"127.0.0.1:1", "localhost", http.Header{"X-Forwarded-For": {"127.0.0.1"}}, 401},
		{"10.0.0.7:1", "chat.example", http.Header{"Authorization": {"Bearer " + testKey}}, 200},
		{"10.0.0.7:1", "chat.example", http.Header{"Authorization": {"Bearer wrong"}}, 401},
	} {
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.RemoteAddr, r.Host = test.remote, test.host
		if test.header != nil {
			r.Header = test.header
		}
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		if w.Code != test.status {
			t.Errorf("%+v: %d", test, w.Code)
		}
	}
}

func TestHealthAndReadiness(t *testing.T) {
	g := new(gateway.Gateway)
	server := httptest.NewServer(g)
	defer server.Close()
	ask := func(path string, status int) {
		t.Helper()
		response, err := http.Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if body, err := io.ReadAll(response.Body); response.StatusCode != status || len(body) == 0 || err != nil {
			t.Errorf("%s: %s %q %v; want %d", path, response.Status, body, err, status)
		}
	}
	ask("/healthz", 200)
	ask("/readyz", 200)
	fetch(t, g, http.MethodPost, "/readyz", 405)
	if err := g.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	ask("/healthz", 200)
	ask("/readyz", 503)
}
