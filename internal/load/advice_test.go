package load_test

import (
	"bufio"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/internal/load"
)

func TestAnswerThatOpensNothingComesWithAdvice(t *testing.T) {
	for answer, want := range map[string]string{
		"HTTP/1.1 200 OK\r\n\r\n":                                  "200 OK: a web server, but no WebSocket under this path",
		"HTTP/1.1 301 Moved Permanently\r\nLocation: /ws/\r\n\r\n": "301 Moved Permanently, and sends to /ws/",
		"HTTP/1.1 401 Unauthorized\r\n\r\n":                        "--header 'Authorization: …'",
		"HTTP/1.1 403 Forbidden\r\n\r\n":                           "--header 'Origin: https://…'",
		"HTTP/1.1 404 Not Found\r\n\r\n":                           "is the path in the URL right?",
		"HTTP/1.1 429 Too Many Requests\r\n\r\n":                   "slower (--ramp)",
		"HTTP/1.1 500 Oops\r\n\r\n":                                "molva connect shows all that it says",
		"HTTP/1.1 101 Switching Protocols\r\n\r\n":                 "opening handshake: header Upgrade",
		"220 mail.example.com ready\r\n\r\n":                       "the server's answer is not HTTP",
		"":                                                         "it wants TLS: wss://127.0.0.1:",
	} {
		_, err := run(t, short(load.Echo, "ws://"+answering(t, answer)))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), "opening handshake") > 1 {
			t.Errorf("%q: %v, and not %s", answer, err, want)
		}
	}
}

// answering returns the address of a server that answers every request with the same, and hangs up.
func answering(t *testing.T, answer string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	t.Cleanup(func() { l.Close(); serving.Wait() })
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer c.Close()
				if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
					io.WriteString(c, answer)
				}
			})
		}
	})
	return l.Addr().String()
}

func TestTLSThatFailsComesWithAdvice(t *testing.T) {
	srv := &molva.Server{OnMessage: echo}
	hs := httptest.NewUnstartedServer(srv)
	hs.Config.ErrorLog = log.New(io.Discard, "", 0)
	hs.StartTLS()
	t.Cleanup(func() { srv.Close(); hs.Close() })
	host := strings.TrimPrefix(hs.URL, "https://")
	plain := strings.TrimPrefix(serve(t, &molva.Server{OnMessage: echo}), "ws://")
	for url, want := range map[string]string{
		"wss://" + host:  "--insecure accepts any certificate",
		"wss://" + plain: "the server does not speak TLS on this port: try ws://" + strings.TrimSuffix(plain, "/"),
	} {
		if _, err := run(t, short(load.Echo, url)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestResultDoesNotTellThePassword(t *testing.T) {
	url := strings.Replace(serve(t, &molva.Server{OnMessage: echo}), "ws://", "ws://me:secret@", 1)
	if r := pass(t, short(load.Echo, url)); strings.Contains(r.URL, "secret") || !strings.Contains(r.URL, "me:") {
		t.Error(r.URL)
	}
}
