package molva_test

import (
	"bufio"
	"io"
	"net/http"
	"testing"

	"github.com/molva-ws/molva"
)

// TestShutdownAnswersWhoWasLetIn has a client that was accepted before the listener was closed, and says what it wants
// only afterwards. The service manager has nobody else to give it to.
func TestShutdownAnswersWhoWasLetIn(t *testing.T) {
	for request, want := range map[string]string{
		"GET / HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n": "HTTP/1.1 200 OK\r\n",
		"GET / HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n": "HTTP/1.1 101 Switching Protocols\r\n",
	} {
		forEngines(t, func(t *testing.T, e molva.Engine) {
			srv := &molva.Server{Engine: e, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				io.WriteString(w, "here you are")
			})}
			l := listen(t, "tcp", "127.0.0.1:0")
			served := make(chan error, 1)
			go func() { served <- srv.Serve(l) }()
			nc := silent(t, l.Addr())
			io.WriteString(nc, request[:10])
			wantStats(t, srv, func(s molva.Stats) bool { return s.Openings == 1 })

			stopped := make(chan error, 1)
			go func() { stopped <- srv.Shutdown(inTime(t)) }()
			if err := got(t, served, "the end of Serve"); err != molva.ErrServerClosed {
				t.Errorf("Serve: %v", err)
			}
			io.WriteString(nc, request[10:])
			answer, err := bufio.NewReader(nc).ReadString('\n')
			if answer != want {
				t.Errorf("%q, %v; want %q", answer, err, want)
			}
			nc.Close()
			if err := got(t, stopped, "the end of Shutdown"); err != nil {
				t.Errorf("Shutdown: %v", err)
			}
		})
	}
}

// Whoever stops a server need not know whether somebody else does, or has.
func TestShutdownMayBeCalledAgain(t *testing.T) {
	forEngines(t, func(t *testing.T, e molva.Engine) {
		srv := &molva.Server{Engine: e}
		start(t, srv)
		for range 3 {
			if err := srv.Shutdown(inTime(t)); err != nil {
				t.Errorf("Shutdown: %v", err)
			}
		}
		srv.Close()
	})
}
