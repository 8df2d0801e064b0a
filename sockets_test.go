package molva_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/molva-ws/molva"
)

// TestServeOnSocketsOfAllKinds goes through what a server may listen on.
func TestServeOnSocketsOfAllKinds(t *testing.T) {
	for _, e := range serverEngines {
		for _, socket := range []struct{ name, network, addr string }{
			{"TCP4", "tcp4", "127.0.0.1:0"},
			{"TCP6", "tcp6", "[::1]:0"},
			{"both", "tcp", ":0"},
			{"Unix", "unix", filepath.Join(t.TempDir(), "socket")},
		} {
			t.Run(e.name+"/"+socket.name, func(t *testing.T) {
				l, err := net.Listen(socket.network, socket.addr)
				if socket.network == "tcp6" && err != nil {
					t.Skip("no IPv6 here:", err)
				}
				if err != nil {
					t.Fatal(err)
				}
				serve(t, l, &molva.Server{Engine: e.engine, OnMessage: echo})
				wantEcho(t, dialListener(t, l.Addr()))
			})
		}
	}
}

// serverEngines are the ways in which a server drives its connections.
var serverEngines = []struct {
	name   string
	engine molva.Engine
}{
	{"event loop", molva.EngineAuto},
	{"portable", molva.EnginePortable},
}

func echo(c *molva.Conn, m molva.Message) { c.Send(m) }

// listen is [net.Listen] for an address that is free.
func listen(t *testing.T, network, addr string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// serve serves on l until the test ends.
func serve(t testing.TB, l net.Listener, srv *molva.Server) {
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	t.Cleanup(func() {
		shutdown(t, srv)
		if err := <-served; !errors.Is(err, molva.ErrServerClosed) {
			t.Errorf("Serve returned %v", err)
		}
	})
}

// dialListener opens a connection to a server that listens on addr.
func dialListener(t *testing.T, addr net.Addr) *molva.Conn {
	t.Helper()
	c, _, err := molva.Dial(context.Background(), "ws://localhost/", &molva.DialOptions{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, addr.Network(), addr.String())
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.CloseNow() })
	return c
}

// wantEcho sends a message and waits for it to come back.
func wantEcho(t *testing.T, c *molva.Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), peerPatience)
	defer cancel()
	if err := c.Write(ctx, molva.Text("hello")); err != nil {
		t.Fatal(err)
	}
	if m, err := c.Read(ctx); err != nil || m.String() != "hello" {
		t.Fatalf("got %q, %v", m.Data, err)
	}
}

// silent opens a connection on which nothing is sent yet.
func silent(t *testing.T, addr net.Addr) net.Conn {
	t.Helper()
	nc, err := net.Dial(addr.Network(), addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(peerPatience))
	return nc
}

// answerOn reads an answer of HTTP.
func answerOn(t *testing.T, nc net.Conn) *http.Response {
	t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(nc), nil)
	if err != nil {
		t.Fatal(err)
	}
	return response
}
