package handshake_test

import (
	"bufio"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/molva-ws/molva/handshake"
)

// sampleRequest is the handshake of RFC 6455 §1.2.
const sampleRequest = "GET /chat HTTP/1.1\r\n" +
	"Host: server.example.com\r\n" +
	"Upgrade: websocket\r\n" +
	"Connection: Upgrade\r\n" +
	"Sec-WebSocket-Key: " + sampleKey + "\r\n" +
	"Origin: http://example.com\r\n" +
	"Sec-WebSocket-Protocol: chat, superchat\r\n" +
	"Sec-WebSocket-Version: 13\r\n" +
	"\r\n"

// request reads sampleRequest with old replaced by new.
func request(t testing.TB, old, new string) *http.Request {
	t.Helper()
	if !strings.Contains(sampleRequest, old) {
		t.Fatalf("no %q in the sample", old)
	}
	raw := strings.Replace(sampleRequest, old, new, 1)
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCheckRequestReturnsTheOffer(t *testing.T) {
	r := request(t, "Origin:", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\nOrigin:")
	offer, err := handshake.CheckRequest(r)
	if err != nil {
		t.Fatal(err)
	}
	if offer.Key != sampleKey {
		t.Errorf("key %q", offer.Key)
	}
	if !slices.Equal(offer.Subprotocols, []string{"chat", "superchat"}) {
		t.Errorf("subprotocols %q", offer.Subprotocols)
	}
	extensions := string(handshake.AppendExtensions(nil, offer.Extensions))
	if extensions != "permessage-deflate; client_max_window_bits" {
		t.Errorf("extensions %q", extensions)
	}
}

func TestCheckRequestAcceptsEveryFormOfTheHeader(t *testing.T) {
	for _, test := range []struct{ name, old, new string }{
		{"the example of the RFC", "", ""},
		{"HTTP/1.2", "HTTP/1.1", "HTTP/1.2"},
		{"names in lower case", "Sec-WebSocket-Key", "sec-websocket-key"},
		{"Upgrade in another case", "Upgrade: websocket", "Upgrade: WebSocket"},
		{"Upgrade as a list", "Upgrade: websocket", "Upgrade: h2c, websocket"},
		{"Upgrade over two lines", "Upgrade: websocket", "Upgrade: h2c\r\nUpgrade: websocket"},
		{"Connection in another case", "Connection: Upgrade", "Connection: uPGRADE"},
		{"Connection of Firefox", "Connection: Upgrade", "Connection: keep-alive, Upgrade"},
		{"Connection without space", "Connection: Upgrade", "Connection: keep-alive,Upgrade"},
		{"Connection with tabs", "Connection: Upgrade", "Connection: keep-alive\t,\tUpgrade\t,"},
		{"Connection with empty elements", "Connection: Upgrade", "Connection: , ,Upgrade,"},
		{"Connection over two lines", "Connection: Upgrade", "Connection: keep-alive\r\nConnection: Upgrade"},
		{"space around the key", ": " + sampleKey, ":   " + sampleKey + "  "},
		{"key with idle bits set", sampleKey, "dGhlIHNhbXBsZSBub25jZR=="},
		{"no Origin", "Origin: http://example.com\r\n", ""},
		{"no subprotocol", "Sec-WebSocket-Protocol: chat, superchat\r\n", ""},
		{"a body of no length", "Origin:", "Content-Length: 0\r\nOrigin:"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := request(t, test.old, test.new)
			if _, err := handshake.CheckRequest(r); err != nil {
				t.Error(err)
			}
			if !handshake.IsUpgrade(r) {
				t.Error("IsUpgrade is false")
			}
		})
	}
}

func TestCheckRequestRefuses(t *testing.T) {
	const keyLine = "Sec-WebSocket-Key: " + sampleKey + "\r\n"
	for _, test := range []struct {
		name     string
		old, new string
		status   int
		reason   string // a part of it
	}{
		// §4.2.1, item 1
		{"HTTP/1.0", "HTTP/1.1", "HTTP/1.0", 505, "HTTP/1.0"},
		{"HTTP/2", "HTTP/1.1", "HTTP/2.0", 505, "HTTP/2.0"},
		{"POST", "GET /chat", "POST /chat", 405, "GET"},
		{"HEAD", "GET /chat", "HEAD /chat", 405, "GET"},
		{"a method in lower case", "GET /chat", "get /chat", 405, "GET"},
		{"a body", "Origin:", "Content-Length: 1\r\nOrigin:", 400, "body"},
		{"a chunked body", "Origin:", "Transfer-Encoding: chunked\r\nOrigin:", 400, "body"},
		// item 2
		{"no Host", "Host: server.example.com\r\n", "", 400, "Host"},
		// item 3
		{"no Upgrade", "Upgrade: websocket\r\n", "", 426, "proxy"},
		{"neither Upgrade nor key", "Upgrade: websocket\r\nConnection: Upgrade\r\n" + keyLine, "", 426, "endpoint"},
		{"another Upgrade", "Upgrade: websocket", "Upgrade: h2c", 426, "Upgrade"},
		{"a longer Upgrade", "Upgrade: websocket", "Upgrade: websocket2", 426, "Upgrade"},
		{"two words", "Upgrade: websocket", "Upgrade: web socket", 426, "Upgrade"},
		// item 4
		{"no Connection", "Connection: Upgrade\r\n", "", 400, "Connection"},
		{"another Connection", "Connection: Upgrade", "Connection: keep-alive", 400, "Connection"},
		{"a longer Connection", "Connection: Upgrade", "Connection: upgraded", 400, "Connection"},
		// item 5
		{"no key", keyLine, "", 400, "lacks"},
		{"two keys", keyLine, keyLine + keyLine, 400, "more than one"},
		{"an empty key", sampleKey, "", 400, "16 bytes"},
		{"a key of 15 bytes", sampleKey, "dGhlIHNhbXBsZSBub25j", 400, "16 bytes"},
		{"a key of 17 bytes", sampleKey, "dGhlIHNhbXBsZSBub25jZSE=", 400, "16 bytes"},
		{"a key of 18 bytes", sampleKey, "dGhlIHNhbXBsZSBub25jZSEh", 400, "16 bytes"},
		{"a key without padding", sampleKey, "dGhlIHNhbXBsZSBub25jZQ", 400, "16 bytes"},
		{"a key that is no base64", sampleKey, "dGhlIHNhbXBsZSBub25j*Q==", 400, "16 bytes"},
		{"a key in the URL alphabet", sampleKey, "dGhlIHNhbXBsZSBub25j-_==", 400, "16 bytes"},
		{"two keys in a line", sampleKey, sampleKey + ", " + sampleKey, 400, "16 bytes"},
		// item 6
		{"no version", "Sec-WebSocket-Version: 13\r\n", "", 426, "version 13"},
		{"version 8", "Version: 13", "Version: 8", 426, "version 13"},
		{"version 14", "Version: 13", "Version: 14", 426, "version 13"},
		{"version 013", "Version: 13", "Version: 013", 426, "version 13"},
		{"a list of versions", "Version: 13", "Version: 13, 8", 426, "version 13"},
		{"two versions", "Version: 13", "Version: 13\r\nSec-WebSocket-Version: 13", 400, "more than one"},
		// items 8 and 9
		{"a malformed subprotocol", "chat, superchat", "chat superchat", 400, "Sec-WebSocket-Protocol"},
		{"an empty subprotocol", "chat, superchat", "", 400, "Sec-WebSocket-Protocol"},
		{"a malformed extension", "Origin:", "Sec-WebSocket-Extensions: a b\r\nOrigin:", 400, "Sec-WebSocket-Extensions"},
	} {
		t.Run(test.name, func(t *testing.T) {
			offer, err := handshake.CheckRequest(request(t, test.old, test.new))
			var refusal *handshake.Refusal
			if !errors.As(err, &refusal) {
				t.Fatalf("got %v, %v; want a *Refusal", offer, err)
			}
			if refusal.Status != test.status || !strings.Contains(refusal.Reason, test.reason) {
				t.Errorf("got %v; want %d, %q", err, test.status, test.reason)
			}
			if offer.Key != "" || offer.Subprotocols != nil || offer.Extensions != nil {
				t.Errorf("offer %v beside the error", offer)
			}
		})
	}
}

func TestRefusalsTellTheClientWhatToSend(t *testing.T) {
	for _, test := range []struct{ name, old, new, field, want string }{
		{"method", "GET /chat", "POST /chat", "Allow", "GET"},
		{"no Upgrade", "Upgrade: websocket\r\n", "", "Upgrade", "websocket"},
		{"version", "Version: 13", "Version: 8", "Sec-WebSocket-Version", "13"},
		{"version, and Upgrade", "Version: 13", "Version: 8", "Upgrade", "websocket"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := handshake.CheckRequest(request(t, test.old, test.new))
			var refusal *handshake.Refusal
			if !errors.As(err, &refusal) || refusal.Header.Get(test.field) != test.want {
				t.Errorf("got %v; want %s: %s", err, test.field, test.want)
			}
		})
	}
}

func TestIsUpgradeTellsOrdinaryRequestsApart(t *testing.T) {
	ordinary := "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " + sampleKey + "\r\n"
	for _, test := range []struct {
		name, old, new string
		want           bool
	}{
		{"a handshake", "", "", true},
		{"a handshake of another version", "Version: 13", "Version: 8", true},
		{"a handshake without Connection", "Connection: Upgrade\r\n", "", true},
		{"a handshake whose Upgrade a proxy lost", "Upgrade: websocket\r\n", "", true},
		{"an ordinary request", ordinary, "", false},
		{"an upgrade to HTTP/2", ordinary, "Upgrade: h2c\r\nConnection: Upgrade\r\n", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := handshake.IsUpgrade(request(t, test.old, test.new)); got != test.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

func BenchmarkCheckRequest(b *testing.B) {
	browser := "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
	for _, bench := range []struct{ name, old, new string }{
		{"plain", "Sec-WebSocket-Protocol: chat, superchat\r\n", ""},
		{"browser", "Sec-WebSocket-Protocol: chat, superchat\r\n", browser},
		{"subprotocols", "", ""},
	} {
		b.Run(bench.name, func(b *testing.B) {
			r := request(b, bench.old, bench.new)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := handshake.CheckRequest(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkServer is all that a server does for a handshake besides reading it.
func BenchmarkServer(b *testing.B) {
	r := request(b, "Sec-WebSocket-Protocol: chat, superchat\r\n",
		"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n")
	r.Header.Set("Origin", "http://server.example.com")
	var buffer []byte
	b.ReportAllocs()
	for b.Loop() {
		offer, err := handshake.CheckRequest(r)
		if err != nil {
			b.Fatal(err)
		}
		if err := handshake.CheckOrigin(r, nil); err != nil {
			b.Fatal(err)
		}
		var agreed handshake.Agreement
		if deflate, ok := handshake.NegotiateDeflate(offer.Extensions, fresh); ok {
			agreed.Deflate = &deflate
		}
		if buffer, err = handshake.AppendResponse(buffer[:0], offer.Key, agreed, nil); err != nil {
			b.Fatal(err)
		}
	}
}
