package molva_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/molva-ws/molva"
)

// piped is a listener whose connections are pipes: in a bubble they need no real time.
type piped struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (l *piped) Accept() (net.Conn, error) {
	select {
	case nc := <-l.conns:
		return nc, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *piped) Close() error {
	close(l.closed)
	return nil
}

func (l *piped) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

func (l *piped) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	l.conns <- theirs
	return ours, nil
}

// overPipe returns both ends of a connection over a pipe, each with its own timeouts.
func overPipe(t *testing.T, accept, dial molva.Timeouts) (server, client *molva.Conn) {
	t.Helper()
	l := &piped{make(chan net.Conn), make(chan struct{})}
	conns := make(chan *molva.Conn, 1)
	hs := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := molva.Accept(w, r, &molva.AcceptOptions{Timeouts: accept})
		if err != nil {
			t.Error(err)
		}
		conns <- c
	})}
	go hs.Serve(l)
	client, _, err := molva.Dial(t.Context(), "ws://pipe/", &molva.DialOptions{Timeouts: dial, DialContext: l.dial})
	if err != nil {
		t.Fatal(err)
	}
	server = <-conns
	hs.Close()
	t.Cleanup(func() {
		server.CloseNow()
		client.CloseNow()
		synctest.Wait()
	})
	return server, client
}

var never = molva.Timeouts{Ping: -1}

func TestKeepaliveByDefault(t *testing.T) {
	bubble := func(name string, test func(*testing.T)) {
		t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
	}
	bubble("keeps a peer that answers", func(t *testing.T) {
		server, client := overPipe(t, molva.Timeouts{}, never)
		ended := server.CloseRead(context.Background())
		client.CloseRead(context.Background())
		time.Sleep(24 * time.Hour)
		if ended.Err() != nil {
			t.Errorf("the connection has ended: %v", server.Err())
		}
	})
	bubble("gives up a peer that does not, a minute after its last word", func(t *testing.T) {
		server, client := overPipe(t, molva.Timeouts{}, never)
		began := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute+time.Second)
		go func() {
			client.Read(ctx) // answers pings for so long
			cancel()
			io.Copy(io.Discard, client.NetConn())
		}()
		_, err := server.Read(context.Background())
		if !errors.Is(err, molva.ErrTimeout) {
			t.Errorf("Read: %v", err)
		}
		if took := time.Since(began); took < 10*time.Minute+59*time.Second || took > 11*time.Minute+time.Second {
			t.Errorf("it took %v", took)
		}
	})
	bubble("keeps a peer while its user seldom reads", func(t *testing.T) {
		server, client := overPipe(t, molva.Timeouts{}, never)
		client.CloseRead(context.Background())
		for range 20 {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			if _, err := server.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("Read: %v", err)
			}
			cancel()
			time.Sleep(7 * time.Minute)
		}
	})
	bubble("with pings only", func(t *testing.T) {
		server, client := overPipe(t, molva.Timeouts{Ping: time.Second, Pong: -1}, never)
		ended := server.CloseRead(context.Background())
		go io.Copy(io.Discard, client.NetConn()) // answers nothing
		time.Sleep(time.Hour)
		if ended.Err() != nil {
			t.Errorf("the connection has ended: %v", server.Err())
		}
	})
	bubble("pings as often when the patience is long", func(t *testing.T) {
		server, client := overPipe(t, molva.Timeouts{Ping: 10 * time.Second, Pong: time.Hour}, never)
		ctx, cancel := context.WithCancel(context.Background())
		server.CloseRead(context.Background())
		go client.Read(ctx)
		time.Sleep(15 * time.Second) // one ping was answered
		cancel()
		began := time.Now()
		go io.Copy(io.Discard, client.NetConn())
		<-server.Done()
		if took := time.Since(began); took > time.Hour+5*time.Second {
			t.Errorf("the silence lasted %v", took)
		}
	})
}

func TestNegativeTimeoutsAreForever(t *testing.T) {
	forever := molva.Timeouts{Handshake: -1, Ping: -1, Pong: -1, Close: -1, Write: -1}
	forEngines(t, func(t *testing.T, e molva.Engine) {
		srv := &molva.Server{Engine: e, Timeouts: forever, OnMessage: answer}
		addr := start(t, srv)
		c := dial(t, addr, &molva.DialOptions{Timeouts: forever})
		for range 100 {
			if err := c.Write(inTime(t), molva.Text("hello")); err != nil {
				t.Fatal(err)
			}
			if m, err := c.Read(inTime(t)); err != nil || m.String() != "hello" {
				t.Fatalf("there came %q, %v", m.Data, err)
			}
		}
		if err := c.Close(molva.CloseNormal, ""); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
}
