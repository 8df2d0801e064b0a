package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/molva-ws/molva/internal/freeaddr"
)

func TestConnectAdvisesOnRefusals(t *testing.T) {
	for _, c := range []struct {
		name   string
		args   []string
		answer http.HandlerFunc
		want   []string
	}{
		{"401", nil, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
		}, []string{"401 Unauthorized", "| who are you?", `Basic realm="x"`, "Authorization: Bearer"}},
		{"401 with credentials", []string{"-H", "Authorization: Bearer x"}, answerStatus(401, ""),
			[]string{"does not take what was sent"}},
		{"403", nil, answerStatus(403, ""), []string{"403 Forbidden", "--origin http://127.0.0.1:"}},
		{"403 with an origin", []string{"--origin", "http://o"}, answerStatus(403, ""),
			[]string{"this request says Origin: http://o"}},
		{"404", nil, answerStatus(404, "no such page"),
			[]string{"404 Not Found", "| no such page", "Nothing is at the path /ws"}},
		{"400", nil, answerStatus(400, "400 Bad Request"), []string{"does not take this for a WebSocket's handshake"}},
		{"405", nil, answerStatus(405, ""), []string{"does not take this for a WebSocket's handshake"}},
		{"426", nil, answerStatus(426, ""), []string{"426 Upgrade Required", "drops the header Upgrade"}},
		{"426 for a version", nil, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Sec-WebSocket-Version", "8")
			w.WriteHeader(426)
		}, []string{"another version of the protocol: 8"}},
		{"429", nil, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "30")
			w.WriteHeader(429)
		}, []string{"fewer connections", "Retry-After: 30"}},
		{"502", nil, answerStatus(502, ""), []string{"502 Bad Gateway", "cannot reach the one behind it"}},
		{"a redirect", nil, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://far.example/live", http.StatusMovedPermanently)
		}, []string{"301 Moved Permanently", "try wss://far.example/live"}},
		{"a page", nil, answerStatus(200, "<html>\n\n<body>\nhello\x1b[2J"),
			[]string{"200 OK", "| <html>\n  | <body>\n  | hello\\x1b[2J", "ordinary page"}},
		{"a long page", nil, answerStatus(200, strings.Repeat("line\n", 1000)), []string{"| line\n  | …\n"}},
		{"a wrong key", nil, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Upgrade", "websocket")
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Sec-WebSocket-Accept", "x")
			w.WriteHeader(101)
		}, []string{"handshake is wrong", "Sec-WebSocket-Accept"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := connectOnce(t, "", append(c.args, connectWeb(t, c.answer))...)
			got.wants(t, 1, "", c.want...)
			if strings.Contains(got.err, "\x1b") || strings.Count(got.err, "\n") > 12 {
				t.Errorf("stderr is %q", got.err)
			}
		})
	}
}

func TestConnectGuessesNothingWhereTheServerSaysWhatIsWrong(t *testing.T) {
	got := connectOnce(t, "", connectWeb(t, answerStatus(400, "the subprotocol here is chat")))
	got.wants(t, 1, "", "| the subprotocol here is chat")
	if strings.Contains(got.err, "A proxy") {
		t.Errorf("stderr is %q", got.err)
	}
}

func answerStatus(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func TestConnectAdvisesWhenThereIsNoAnswer(t *testing.T) {
	for _, c := range []struct {
		name   string
		scheme string
		talk   func(nc net.Conn)
		want   []string
	}{
		{"it hangs up", "ws", func(nc net.Conn) {}, []string{"hung up without an answer", "or it wants TLS: wss://"}},
		{"it is no HTTP", "ws", sayRaw("220 mail\r\n"), []string{"malformed HTTP"}},
		{"it is TLS", "ws", sayRaw("\x15\x03\x01\x00\x02\x02\x0a"), []string{"speaks TLS on this port: try wss://"}},
		{"it is not TLS", "wss", sayRaw("HTTP/1.1 400 Bad Request\r\n\r\n"),
			[]string{"does not speak TLS on this port: try ws://"}},
		{"it is silent", "ws", waitForHangup, []string{"No answer within 300ms; --timeout"}},
		{"it is silent to TLS", "wss", waitForHangup, []string{"No answer within 300ms", "try ws://"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				nc, err := l.Accept()
				if err != nil {
					return
				}
				nc.Read(make([]byte, 4<<10))
				c.talk(nc)
				nc.Close()
			}()
			timeout := connectPatience
			if strings.HasPrefix(c.name, "it is silent") {
				timeout = 300 * time.Millisecond
			}
			got := connectOnce(t, "", c.scheme+"://"+l.Addr().String(), "--timeout", timeout.String())
			got.wants(t, 1, "", c.want...)
		})
	}
	connectOnce(t, "", freeaddr.Get(t)).wants(t, 1, "", "connection refused", "Nothing listens there", "ws:// was tried")
}

func sayRaw(text string) func(net.Conn) {
	return func(nc net.Conn) { fmt.Fprint(nc, text) }
}

func waitForHangup(nc net.Conn) { nc.Read(make([]byte, 1)) }
