package handshake_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/molva-ws/molva/handshake"
)

func TestAppendResponseIsTheWholeResponse(t *testing.T) {
	deflate := handshake.Deflate{ServerNoContextTakeover: true, ServerMaxWindowBits: 10}
	for _, test := range []struct {
		name   string
		agreed handshake.Agreement
		extra  http.Header
		want   string // between the accept key and the empty line
	}{
		{"nothing agreed", handshake.Agreement{}, nil, ""},
		{"subprotocol", handshake.Agreement{Subprotocol: "chat"}, nil, "Sec-WebSocket-Protocol: chat\r\n"},
		{"compression", handshake.Agreement{Deflate: &deflate}, nil,
			"Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; server_max_window_bits=10\r\n"},
		{"further fields in order", handshake.Agreement{}, http.Header{"X-B": {"2"}, "X-A": {"1", "3\t4"}, "Set-Cookie": {"é"}},
			"Set-Cookie: é\r\nX-A: 1\r\nX-A: 3\t4\r\nX-B: 2\r\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := handshake.AppendResponse([]byte("before "), sampleKey, test.agreed, test.extra)
			want := "before HTTP/1.1 101 Switching Protocols\r\n" +
				"Upgrade: websocket\r\n" +
				"Connection: Upgrade\r\n" +
				"Sec-WebSocket-Accept: " + sampleAccept + "\r\n" +
				test.want + "\r\n"
			if err != nil || string(got) != want {
				t.Errorf("got %q, %v; want %q", got, err, want)
			}
		})
	}
}

// forbiddenHeaders may not be added to a handshake in either role.
var forbiddenHeaders = map[string]http.Header{
	"Upgrade":               {"Upgrade": {"h2c"}},
	"Connection":            {"Connection": {"close"}},
	"accept key":            {"Sec-WebSocket-Accept": {"x"}},
	"accept key, canonical": {"Sec-Websocket-Accept": {"x"}},
	"key in lower case":     {"sec-websocket-key": {"x"}},
	"subprotocol":           {"Sec-Websocket-Protocol": {"x"}},
	"extensions":            {"Sec-Websocket-Extensions": {"x"}},
	"any of the kind":       {"Sec-Websocket-Whatever": {"x"}},
	"content length":        {"Content-Length": {"1"}},
	"transfer encoding":     {"Transfer-Encoding": {"chunked"}},
	"trailer":               {"Trailer": {"X"}},
	"host no server has":    {"Host": {"x/y"}},
	"line break in a value": {"X-A": {"1\r\nX-B: 2"}},
	"line feed in a value":  {"X-A": {"1\nX-B: 2"}},
	"return in a value":     {"X-A": {"1\rX-B: 2"}},
	"null in a value":       {"X-A": {"\x00"}},
	"second value":          {"X-A": {"1", "\n"}},
	"line break in a name":  {"X-A: 1\r\nX-B": {"2"}},
	"colon in a name":       {"X-A:": {"2"}},
	"space after a name":    {"Upgrade ": {"2"}},
	"empty name":            {"": {"2"}},
}

func TestAppendResponseRefusesForbiddenHeaders(t *testing.T) {
	for name, extra := range forbiddenHeaders {
		t.Run(name, func(t *testing.T) {
			got, err := handshake.AppendResponse([]byte("before"), sampleKey, handshake.Agreement{}, extra)
			var forbidden *handshake.HeaderError
			if !errors.As(err, &forbidden) || string(got) != "before" {
				t.Errorf("got %q, %v; want a *HeaderError and nothing appended", got, err)
			}
		})
	}
}

func TestAppendResponseRefusesWhatNoResponseMaySay(t *testing.T) {
	for _, test := range []struct {
		name   string
		agreed handshake.Agreement
	}{
		{"line break in the subprotocol", handshake.Agreement{Subprotocol: "a\r\nX: b"}},
		{"two subprotocols", handshake.Agreement{Subprotocol: "a, b"}},
		{"window of 7", handshake.Agreement{Deflate: &handshake.Deflate{ServerMaxWindowBits: 7}}},
		{"window without a value", handshake.Agreement{Deflate: &handshake.Deflate{ClientMaxWindowBits: handshake.AnyWindowBits}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := handshake.AppendResponse(nil, sampleKey, test.agreed, nil)
			if err == nil || len(got) != 0 {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func BenchmarkAppendResponse(b *testing.B) {
	agreed := handshake.Agreement{Subprotocol: "chat", Deflate: &fresh}
	buffer := make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := handshake.AppendResponse(buffer, sampleKey, agreed, nil); err != nil {
			b.Fatal(err)
		}
	}
}
