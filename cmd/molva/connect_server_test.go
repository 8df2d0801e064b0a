package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/molva-ws/molva"
)

// connectPatience is how long a molva connect of these tests may take. It only passes when something hangs: some send
// a lot, on a machine that may have other things to do.
const connectPatience = 5 * time.Minute

// connectResult is what became of a molva connect.
type connectResult struct {
	code     int
	out, err string
}

// connectOnce runs molva connect with an input.
func connectOnce(t *testing.T, input string, args ...string) connectResult {
	t.Helper()
	return connectWith(t, t.Context(), strings.NewReader(input), args...)
}

func connectWith(t *testing.T, ctx context.Context, in io.Reader, args ...string) connectResult {
	t.Helper()
	var out, stderr connectOutput
	code := runConnect(t, ctx, streams{in: in, out: &out, err: &stderr}, args...)
	return connectResult{code, out.String(), stderr.String()}
}

// runConnect runs molva connect and fails if it does not come back.
func runConnect(t *testing.T, ctx context.Context, s streams, args ...string) int {
	t.Helper()
	done := make(chan int, 1)
	go func() { done <- run(ctx, append([]string{"connect"}, args...), s) }()
	select {
	case code := <-done:
		return code
	case <-time.After(connectPatience):
		t.Fatalf("molva connect %q does not end", args)
		return -1
	}
}

// wants fails unless the result has this code, this output and all these texts among the errors.
func (r connectResult) wants(t *testing.T, code int, out string, stderr ...string) {
	t.Helper()
	if r.code != code || r.out != out {
		t.Errorf("code %d, want %d; output %.200q, want %.200q", r.code, code, r.out, out)
	}
	for _, text := range stderr {
		if !strings.Contains(r.err, text) {
			t.Errorf("stderr lacks %q", text)
		}
	}
	if t.Failed() {
		t.Logf("stderr:\n%.2000s", r.err)
	}
}

// connectOutput is a buffer that several goroutines write to.
type connectOutput struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *connectOutput) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *connectOutput) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// connectServer serves on a port of its own until the test ends, and returns a ws URL.
func connectServer(t *testing.T, srv *molva.Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	connectServe(t, l, srv)
	return "ws://" + l.Addr().String() + "/ws"
}

func connectServe(t *testing.T, l net.Listener, srv *molva.Server) {
	srv.Origins = []string{"*"}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	t.Cleanup(func() {
		srv.Close()
		if err := <-served; !errors.Is(err, molva.ErrServerClosed) {
			t.Errorf("Serve returned %v", err)
		}
	})
}

// connectEcho echoes whatever a client sends, however slow it reads.
func connectEcho(t *testing.T) string {
	return connectServer(t, &molva.Server{
		Limits:    molva.Limits{Message: 128 << 20},
		OnMessage: func(c *molva.Conn, m molva.Message) { c.Write(context.Background(), m) },
	})
}

// connectScripted has a function talk to each client, and returns a ws URL.
func connectScripted(t *testing.T, talk func(c *molva.Conn)) string {
	t.Helper()
	return connectWeb(t, func(w http.ResponseWriter, r *http.Request) {
		c, err := molva.Accept(w, r, &molva.AcceptOptions{Origins: []string{"*"}})
		if err != nil {
			t.Error(err)
			return
		}
		talk(c)
		c.CloseNow()
	})
}

// connectWeb answers requests, and returns a ws URL.
func connectWeb(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	web := httptest.NewServer(answer)
	t.Cleanup(web.Close)
	return strings.Replace(web.URL, "http", "ws", 1) + "/ws"
}

// untilClosed reads until the client closes, and returns how.
func untilClosed(c *molva.Conn) *molva.CloseError {
	for {
		if _, err := c.Read(context.Background()); err != nil {
			var closed *molva.CloseError
			errors.As(err, &closed)
			return closed
		}
	}
}
