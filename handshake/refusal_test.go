package handshake_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/molva-ws/molva/handshake"
)

func TestAppendRefusalIsTheWholeResponse(t *testing.T) {
	refusal := &handshake.Refusal{
		Status: http.StatusUpgradeRequired,
		Reason: "speak version 13",
		Header: http.Header{"Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}},
	}
	want := "before HTTP/1.1 426 Upgrade Required\r\n" +
		"Connection: close, Upgrade\r\n" +
		"Content-Type: text/plain; charset=utf-8\r\n" +
		"X-Content-Type-Options: nosniff\r\n" +
		"Content-Length: 17\r\n" +
		"Sec-Websocket-Version: 13\r\n" +
		"Upgrade: websocket\r\n" +
		"\r\n" +
		"speak version 13\n"
	if got := string(handshake.AppendRefusal([]byte("before "), refusal)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// answers returns what a client reads of a refusal sent each way.
func answers(t *testing.T, refusal *handshake.Refusal) map[string]*http.Response {
	t.Helper()
	raw := handshake.AppendRefusal(nil, refusal)
	response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(raw)), nil)
	if err != nil {
		t.Fatalf("%q: %v", raw, err)
	}
	recorder := httptest.NewRecorder()
	recorder.Header().Set("Content-Length", "1000")
	refusal.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/", nil))
	return map[string]*http.Response{"AppendRefusal": response, "ServeHTTP": recorder.Result()}
}

func TestRefusalSendsStatusReasonAndHeader(t *testing.T) {
	refusal := &handshake.Refusal{
		Status: http.StatusUnauthorized,
		Reason: "log in first",
		Header: http.Header{"Www-Authenticate": {"Basic"}, "Upgrade": {"websocket"}},
	}
	for way, response := range answers(t, refusal) {
		t.Run(way, func(t *testing.T) {
			body, err := io.ReadAll(response.Body)
			if err != nil || string(body) != "log in first\n" {
				t.Errorf("body %q, %v", body, err)
			}
			if response.StatusCode != http.StatusUnauthorized {
				t.Errorf("status %d", response.StatusCode)
			}
			if got := response.Header.Get("WWW-Authenticate"); got != "Basic" {
				t.Errorf("WWW-Authenticate: %q", got)
			}
			if got := response.Header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
				t.Errorf("Content-Type: %q", got)
			}
		})
	}
}

func TestRefusalLeavesOutWhatWouldBreakTheResponse(t *testing.T) {
	refusal := &handshake.Refusal{Reason: "no", Header: http.Header{
		"Content-Length":    {"1"},
		"transfer-encoding": {"chunked"},
		"Connection":        {"keep-alive"},
		"Content-Type":      {"text/html"},
		"X-A: 1\r\nX-B":     {"2"},
		"X-C":               {"3\r\nX-D: 4"},
		"X-E":               {"5"},
	}}
	want := "HTTP/1.1 400 Bad Request\r\n" +
		"Connection: close\r\n" +
		"Content-Type: text/plain; charset=utf-8\r\n" +
		"X-Content-Type-Options: nosniff\r\n" +
		"Content-Length: 3\r\n" +
		"X-E: 5\r\n" +
		"\r\n" +
		"no\n"
	if got := string(handshake.AppendRefusal(nil, refusal)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRefusalNeverAccepts(t *testing.T) {
	for _, test := range []struct{ status, want int }{
		{0, 400}, {101, 500}, {200, 500}, {204, 500}, {304, 500}, {-1, 500}, {600, 500}, {302, 302}, {599, 599},
	} {
		for way, response := range answers(t, &handshake.Refusal{Status: test.status}) {
			if response.StatusCode != test.want {
				t.Errorf("%s: status %d becomes %d, want %d", way, test.status, response.StatusCode, test.want)
			}
		}
	}
}

func TestRefusalWithoutReasonSaysItsStatus(t *testing.T) {
	refusal := &handshake.Refusal{Status: http.StatusForbidden}
	if got := refusal.Error(); got != "opening handshake refused with 403: Forbidden" {
		t.Errorf("got %q", got)
	}
}

func BenchmarkAppendRefusal(b *testing.B) {
	_, err := handshake.CheckRequest(request(b, "Version: 13", "Version: 8"))
	refusal := err.(*handshake.Refusal)
	buffer := make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		handshake.AppendRefusal(buffer, refusal)
	}
}
