package handshake_test

import (
	"bufio"
	"bytes"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"github.com/molva-ws/molva/handshake"
)

const browserRequest = "GET /ws?token=a%20b HTTP/1.1\r\nHost: example.com\r\nConnection: keep-alive, Upgrade\r\nPragma: no-cache\r\n" +
	"Cache-Control: no-cache\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nUpgrade: websocket\r\n" +
	"Origin: https://example.com\r\nSec-WebSocket-Version: 13\r\nAccept-Encoding: gzip, deflate\r\n" +
	"Sec-WebSocket-Key: " + sampleKey + "\r\n" +
	"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n" +
	"Sec-WebSocket-Protocol: chat, superchat\r\n\r\n"

func TestParseTakesWhatIsRegular(t *testing.T) {
	var h handshake.Head
	for _, raw := range []string{
		sampleRequest,
		browserRequest,
		"GET / HTTP/1.1\r\n\r\n",
		strings.Replace(browserRequest, "Upgrade: websocket", "uPGRADE:\twebsocket \t", 1),
		strings.Replace(browserRequest, "Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8", 1),
		strings.Replace(browserRequest, "Origin: https", "Origin: nonsense", 1),
	} {
		if !h.Parse(raw) {
			t.Errorf("left to net/http: %q", raw)
		}
		compareHead(t, raw)
	}
}

func TestParseLeavesTheUnusualToNetHTTP(t *testing.T) {
	replaced := func(old, new string) string { return strings.Replace(browserRequest, old, new, 1) }
	var h handshake.Head
	for name, raw := range map[string]string{
		"nothing":           "",
		"no end":            strings.TrimSuffix(browserRequest, "\r\n"),
		"bytes behind":      browserRequest + "x",
		"another method":    replaced("GET", "POST"),
		"HTTP/1.0":          replaced("HTTP/1.1", "HTTP/1.0"),
		"HTTP/1.2":          replaced("HTTP/1.1", "HTTP/1.2"),
		"no version":        replaced(" HTTP/1.1", ""),
		"absolute target":   replaced("/ws", "http://other/ws"),
		"host in target":    replaced("/ws", "//other/ws"),
		"escape in path":    replaced("/ws", "/%77s"),
		"space in target":   replaced("/ws", "/w s"),
		"fragment":          replaced("token", "#token"),
		"bare LF":           replaced("Pragma: no-cache\r\n", "Pragma: no-cache\n"),
		"bare CR":           replaced("no-cache", "no\rcache"),
		"folded line":       replaced("no-cache\r\n", "no-cache,\r\n  more\r\n"),
		"space before":      replaced("Pragma:", " Pragma:"),
		"space behind":      replaced("Pragma:", "Pragma :"),
		"no colon":          replaced("Pragma:", "Pragma"),
		"no name":           replaced("Pragma:", ":"),
		"control character": replaced("no-cache", "no\x00cache"),
		"beyond ASCII":      replaced("no-cache", "n\xf6"),
		"Content-Length":    replaced("Pragma: no-cache", "content-length: 0"),
		"Transfer-Encoding": replaced("Pragma: no-cache", "Transfer-Encoding: chunked"),
		"Trailer":           replaced("Pragma: no-cache", "Trailer: X"),
		"two Hosts":         replaced("Pragma: no-cache", "host: example.com"),
		"two Upgrades":      replaced("Pragma: no-cache", "Upgrade: websocket"),
		"two keys":          replaced("Pragma: no-cache", "SEC-WEBSOCKET-KEY: "+sampleKey),
		"two Origins":       replaced("Pragma: no-cache", "Origin: null"),
		"two versions":      replaced("Pragma: no-cache", "Sec-WebSocket-Version: 13"),
		"two protocols":     replaced("Pragma: no-cache", "Sec-WebSocket-Protocol: chat"),
	} {
		if h.Parse(raw) {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestParseAllocatesNothing(t *testing.T) {
	h := new(handshake.Head)
	if n := testing.AllocsPerRun(100, func() {
		if !h.Parse(sampleRequest) || !h.IsUpgrade() {
			t.Fatal("not taken")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzHead: what Parse takes net/http reads, too, and every rule finds the same.
// What goes to the client does not refer to the request.
func FuzzHead(f *testing.F) {
	f.Add([]byte(sampleRequest))
	f.Add([]byte(browserRequest))
	for _, pair := range [][2]string{
		{"Version: 13", "Version: 8"}, {"Version: 13", "Version: 13\r\nX: y"}, {"websocket", "h2c, websocket"}, {"keep-alive, Upgrade", "close"},
		{"https://example.com", "https://evil.example"}, {"https://", "file://"}, {"chat, superchat", "chat, bad name"}, {sampleKey, "short"},
		{"permessage-deflate", "a;b=\"c\\d\";e, f;g;h;i, j"}, {"Host: example.com", "Host:"}, {"Host", "X-Host"},
	} {
		f.Add([]byte(strings.Replace(browserRequest, pair[0], pair[1], 1)))
	}
	f.Fuzz(func(t *testing.T, raw []byte) { compareHead(t, string(raw)) })
}

// compareHead holds Parse against net/http.
func compareHead(t *testing.T, raw string) {
	var h handshake.Head
	buffer := []byte(raw)
	if !h.Parse(unsafe.String(unsafe.SliceData(buffer), len(buffer))) {
		return
	}
	reader := bufio.NewReader(strings.NewReader(raw))
	r, err := http.ReadRequest(reader)
	if err != nil || reader.Buffered() > 0 {
		t.Fatalf("net/http reads %q with %v and leaves %d bytes", raw, err, reader.Buffered())
	}
	if got, want := h.IsUpgrade(), handshake.IsUpgrade(r); got != want {
		t.Errorf("%q: IsUpgrade %v, want %v", raw, got, want)
	}
	got, gotErr := h.Check()
	want, wantErr := handshake.CheckRequest(r)
	if !sameOffer(got, want) {
		t.Errorf("%q: %+v, want %+v", raw, got, want)
	}
	patterns := []string{"*.example.com", "https://app.example"}
	if gotErr == nil && wantErr == nil {
		gotErr, wantErr = h.CheckOrigin(patterns), handshake.CheckOrigin(r, patterns)
	}
	clear(buffer)
	if got, want := refusalText(gotErr), refusalText(wantErr); !bytes.Equal(got, want) {
		t.Errorf("%q: refused with %q, want %q", raw, got, want)
	}
}

// sameOffer compares by what is in them: an offer of none may be nil or empty.
func sameOffer(a, b handshake.Offer) bool {
	return a.Key == b.Key && len(a.Extensions) == len(b.Extensions) &&
		reflect.DeepEqual(a.Subprotocols, b.Subprotocols) &&
		bytes.Equal(handshake.AppendExtensions(nil, a.Extensions), handshake.AppendExtensions(nil, b.Extensions))
}

func refusalText(err error) []byte {
	var refusal *handshake.Refusal
	if !errors.As(err, &refusal) {
		return nil
	}
	return handshake.AppendRefusal(nil, refusal)
}

func BenchmarkHead(b *testing.B) {
	b.Run("parse", func(b *testing.B) {
		h := new(handshake.Head)
		b.ReportAllocs()
		for b.Loop() {
			if !h.Parse(browserRequest) {
				b.Fatal("not taken")
			}
			if _, err := h.Check(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("net-http", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r, err := http.ReadRequest(bufio.NewReaderSize(strings.NewReader(browserRequest), 512))
			if err != nil {
				b.Fatal(err)
			}
			if _, err := handshake.CheckRequest(r); err != nil {
				b.Fatal(err)
			}
		}
	})
}
