package molva_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/molva-ws/molva"
)

// inTime returns a context that bounds what a test waits for.
func inTime(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), peerPatience)
	t.Cleanup(cancel)
	return ctx
}

// forEngines runs a test on both ways to drive the connections of a server.
func forEngines(t *testing.T, test func(*testing.T, molva.Engine)) {
	t.Run("loop", func(t *testing.T) { test(t, molva.EngineAuto) })
	t.Run("portable", func(t *testing.T) { test(t, molva.EnginePortable) })
}

// start serves srv on a port of its own until the test ends, and returns its address.
func start(t testing.TB, srv *molva.Server) string {
	t.Helper()
	if srv.Logger == nil {
		srv.Logger = slog.New(slog.DiscardHandler)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- srv.Serve(l) }()
	t.Cleanup(func() {
		srv.Close()
		<-stopped
	})
	return l.Addr().String()
}

// dial opens a client's connection that is cut when the test ends.
func dial(t testing.TB, addr string, opts *molva.DialOptions) *molva.Conn {
	t.Helper()
	c, _, err := molva.Dial(inTime(t), "ws://"+addr, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseNow)
	return c
}

// accepted returns both ends of a connection that is read with Read at both.
func accepted(t testing.TB, accept *molva.AcceptOptions, opts *molva.DialOptions) (server, client *molva.Conn) {
	t.Helper()
	addr, conns := acceptOn(t, accept)
	client = dial(t, addr, opts)
	return <-conns, client
}

// acceptOn serves with Accept and returns the address and the connections.
func acceptOn(t testing.TB, opts *molva.AcceptOptions) (string, <-chan *molva.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conns := make(chan *molva.Conn, 16)
	serveHTTP(t, l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := molva.Accept(w, r, opts)
		if err != nil {
			return
		}
		t.Cleanup(c.CloseNow)
		conns <- c
	}))
	return l.Addr().String(), conns
}

func wantMessage(t testing.TB, c *molva.Conn, want string) {
	t.Helper()
	m, err := c.Read(inTime(t))
	if err != nil {
		t.Fatalf("Read: %v, want %.40q", err, want)
	}
	if got := m.String(); got != want {
		t.Fatalf("got the message %.40q, want %.40q", got, want)
	}
}

// wantEnd checks how a connection ended.
func wantEnd(t testing.TB, err error, code molva.CloseCode, byPeer bool) {
	t.Helper()
	var closing *molva.CloseError
	if !errors.As(err, &closing) {
		t.Fatalf("the end is %v, which is no CloseError", err)
	}
	if closing.Code != code || closing.ByPeer != byPeer {
		t.Errorf("the end is %v, want %v, by the peer: %v", err, code, byPeer)
	}
	if !errors.Is(err, molva.ErrClosed) {
		t.Error("it is not ErrClosed")
	}
}

// got receives from a channel that must not let the test wait for ever.
func got[T any](t testing.TB, from <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(peerPatience):
		t.Fatalf("%s did not come", what)
	}
	return v
}

func TestConnTellsAboutItself(t *testing.T) {
	server, client := accepted(t, &molva.AcceptOptions{
		Subprotocols: []string{"b", "a"},
		OnUpgrade: func(u *molva.Upgrade) error {
			u.User, u.Value = "anna", 7
			return nil
		},
	}, &molva.DialOptions{Subprotocols: []string{"a", "b"}})
	if s, c := server.Subprotocol(), client.Subprotocol(); s != "b" || c != "b" {
		t.Errorf("subprotocols %q and %q, want b", s, c)
	}
	if server.User() != "anna" || server.Value() != 7 {
		t.Errorf("user %q, value %v", server.User(), server.Value())
	}
	server.SetUser("bert")
	server.SetValue("eight")
	if server.User() != "bert" || server.Value() != "eight" {
		t.Errorf("then user %q, value %v", server.User(), server.Value())
	}
	if server.RemoteAddr().String() != client.LocalAddr().String() {
		t.Errorf("addresses %v and %v differ", server.RemoteAddr(), client.LocalAddr())
	}
	if _, ok := client.NetConn().(*net.TCPConn); !ok {
		t.Errorf("NetConn is a %T", client.NetConn())
	}
	if err := server.Join("room"); err != molva.ErrNoServer {
		t.Errorf("Join without a server: %v", err)
	}
	if _, err := server.Publish("room", molva.Text("x")); err != molva.ErrNoServer {
		t.Errorf("Publish without a server: %v", err)
	}
}

func TestMessagesOfEachSizeArrive(t *testing.T) {
	for name, compression := range map[string]molva.Compression{
		"plain":    {},
		"deflate":  {Enabled: true, MinSize: -1},
		"takeover": {Enabled: true, MinSize: -1, Takeover: true},
	} {
		t.Run(name, func(t *testing.T) {
			server, client := accepted(t,
				&molva.AcceptOptions{Compression: compression}, &molva.DialOptions{Compression: compression})
			for _, size := range []int{0, 1, 125, 126, 65535, 65536, 1 << 20} {
				text := strings.Repeat("x", size)
				for _, end := range [][2]*molva.Conn{{client, server}, {server, client}} {
					sent := make(chan error, 1)
					go func() { sent <- end[0].Write(inTime(t), molva.Text(text)) }()
					wantMessage(t, end[1], text)
					if err := <-sent; err != nil {
						t.Errorf("Write of %d bytes: %v", size, err)
					}
				}
			}
		})
	}
}

func TestSendRefusesWhatIsNoMessage(t *testing.T) {
	_, client := accepted(t, nil, nil)
	for name, send := range map[string]func() error{
		"Send":         func() error { return client.Send(molva.Message{}) },
		"Write":        func() error { return client.Write(inTime(t), molva.Message{Type: 9}) },
		"Writer":       func() error { _, err := client.Writer(inTime(t), 0); return err },
		"SendPrepared": func() error { return client.SendPrepared(new(molva.Prepared)) },
		"Prepare":      func() error { _, err := molva.Prepare(molva.Message{}); return err },
		"Broadcast":    func() error { _, err := new(molva.Server).Broadcast(molva.Message{}); return err },
	} {
		if err := send(); err != molva.ErrType {
			t.Errorf("%s returned %v, want ErrType", name, err)
		}
	}
}

func TestErrorsCanBeToldApart(t *testing.T) {
	if !errors.Is(molva.ErrTimeout, os.ErrDeadlineExceeded) {
		t.Error("ErrTimeout is no deadline exceeded")
	}
	server, client := accepted(t, nil, nil)
	server.NetConn().(*net.TCPConn).SetLinger(0)
	server.CloseNow()
	_, err := client.Read(inTime(t))
	wantEnd(t, err, molva.CloseAbnormal, true)
	if errors.Unwrap(err) == nil {
		t.Error("the error of the socket is lost")
	}
	if err := client.Send(molva.Text("late")); err != molva.ErrClosed {
		t.Errorf("Send returned %v", err)
	}
	if client.Err() == nil {
		t.Error("Err is nil after the end")
	}
	got(t, client.Done(), "the end")
}

// A message that its Writer can only send when there is room must not keep a core busy until then.
func TestWriteWaitsForRoom(t *testing.T) {
	_, client := accepted(t, nil, &molva.DialOptions{Limits: molva.Limits{Outbox: 64 << 10}})
	ctx, cancel := context.WithCancel(context.Background())
	written := make(chan error, 1)
	go func() {
		for {
			if err := client.Write(ctx, molva.Binary(make([]byte, 32<<10))); err != nil {
				written <- err
				return
			}
		}
	}()
	for client.Send(molva.Binary(make([]byte, 32<<10))) == nil {
	}
	cancel()
	if err := got(t, written, "the end of Write"); !errors.Is(err, context.Canceled) {
		t.Errorf("Write returned %v", err)
	}
}

func TestCloneOutlivesTheMessage(t *testing.T) {
	data := []byte("data")
	m := molva.Binary(data)
	clone := m.Clone()
	copy(data, "XXXX")
	if !bytes.Equal(clone.Data, []byte("data")) || clone.Type != molva.TypeBinary {
		t.Errorf("the clone is %v", clone)
	}
	if s := molva.TypeText.String() + molva.TypeBinary.String(); s != "textbinary" {
		t.Errorf("the types are called %s", s)
	}
}

func TestCloseReadAnswersPingsAndNoticesTheEnd(t *testing.T) {
	t.Run("peer closes", func(t *testing.T) {
		server, client := accepted(t, nil, nil)
		ctx := client.CloseRead(context.Background())
		go server.Read(inTime(t))
		if _, err := server.Ping(inTime(t)); err != nil {
			t.Errorf("Ping: %v", err)
		}
		server.Close(molva.CloseNormal, "")
		got(t, ctx.Done(), "the end of the context")
	})
	t.Run("peer sends", func(t *testing.T) {
		server, client := accepted(t, nil, nil)
		ctx := client.CloseRead(context.Background())
		server.Send(molva.Text("unwanted"))
		_, err := server.Read(inTime(t))
		wantEnd(t, err, molva.CloseUnsupportedData, true)
		got(t, ctx.Done(), "the end of the context")
	})
}

func drainReader(t testing.TB, r io.Reader) string {
	t.Helper()
	p, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(p)
}
