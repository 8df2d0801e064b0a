package gateway_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/api"
	"github.com/molva-ws/molva/gateway/localsocket"
	"github.com/molva-ws/molva/internal/shortdir"
)

// openSocket serves the local socket of g in a folder of its own until the test ends, and returns the path.
func openSocket(t testing.TB, g *gateway.Gateway) string {
	t.Helper()
	path := filepath.Join(shortdir.New(t), "molva.sock")
	l, err := localsocket.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	serveSocket(t, g, l)
	return path
}

// openSocketTCP does the same on a TCP address.
func openSocketTCP(t testing.TB, g *gateway.Gateway) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveSocket(t, g, l)
	return l.Addr().String()
}

func serveSocket(t testing.TB, g *gateway.Gateway, l net.Listener) {
	served := make(chan error, 1)
	go func() { served <- g.ServeSocket(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := g.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if err := <-served; err != molva.ErrServerClosed {
			t.Errorf("ServeSocket: %v", err)
		}
	})
}

// script is a program that says commands on a local socket.
type script struct {
	testing.TB
	net.Conn
	lines *bufio.Reader
}

func dialScript(t testing.TB, network, addr string) *script {
	t.Helper()
	nc, err := net.DialTimeout(network, addr, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(patience))
	return &script{t, nc, bufio.NewReader(nc)}
}

// write writes text as it is; it may be called in a goroutine of its own.
func (s *script) write(text string) {
	if _, err := io.WriteString(s.Conn, text); err != nil {
		s.Errorf("write: %v", err)
	}
}

// next returns the next line.
func (s *script) next() string {
	s.Helper()
	line, err := s.lines.ReadString('\n')
	if err != nil {
		s.Fatalf("instead of an answer: %q, %v", line, err)
	}
	return line
}

// answer returns the next answer.
func (s *script) answer() *api.Answer {
	s.Helper()
	line, a := s.next(), new(api.Answer)
	if err := json.Unmarshal([]byte(line), a); err != nil {
		s.Fatalf("%q: %v", line, err)
	}
	return a
}

// wantEnd sees to it that nothing comes any more.
func (s *script) wantEnd() {
	s.Helper()
	if rest, err := io.ReadAll(s.lines); err != nil || len(rest) > 0 {
		s.Errorf("at the end: %q, %v", rest, err)
	}
}
