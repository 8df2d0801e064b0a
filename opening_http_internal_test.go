package molva

import (
	"net"
	"net/http"
	"testing"
)

// A server that stops waits a moment for openings. One that net/http serves is none.
func TestPlainRequestThatIsServedIsNoOpening(t *testing.T) {
	for _, e := range []Engine{EngineAuto, EnginePortable} {
		srv := &Server{Engine: e}
		waitedFor := make(chan bool, 1)
		srv.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			srv.mu.Lock()
			waitedFor <- srv.openings.first != nil
			srv.mu.Unlock()
		})
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go srv.Serve(l)
		defer srv.Close()
		response, err := http.Get("http://" + l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if <-waitedFor {
			t.Errorf("engine %v: it is still an opening", e)
		}
	}
}
