package main

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/molva-ws/molva"
)

func TestConnectExplainsHowTheServerCloses(t *testing.T) {
	for _, c := range []struct {
		code    molva.CloseCode
		reason  string
		exit    int
		explain string
	}{
		{1000, "", 0, "closed by the server: 1000 normal closure\n  What the connection"},
		{1001, "deploy", 0, `closed by the server: 1001 going away, "deploy"`},
		{1005, "", 0, "1005 no status"},
		{1002, "", 1, "1002 protocol error"},
		{1008, "bad key", 1, `1008 policy violation, "bad key"`},
		{1011, "", 1, "1011 internal error\n  The server met an unexpected condition"},
		{1012, "", 1, "restarts: connect again"},
		{1013, "", 1, "overloaded"},
		{3000, "", 1, "3000\n  Unauthorized"},
		{3999, "", 1, "library or framework"},
		{4321, "\x1b[2Jno", 1, "4321, \"\\x1b[2Jno\"\n  A code of the application's own"},
	} {
		url := connectScripted(t, func(conn *molva.Conn) { conn.Close(c.code, c.reason) })
		got := connectOnce(t, "", url, "--wait=forever")
		got.wants(t, c.exit, "", c.explain)
		if strings.Contains(got.err, "\x1b") {
			t.Errorf("%d: an escape sequence in %q", c.code, got.err)
		}
	}
}

func TestConnectTellsOfAServerThatDies(t *testing.T) {
	for name, c := range map[string]struct {
		die  func(nc net.Conn)
		want string
	}{
		"hangs up": {func(nc net.Conn) { nc.Close() }, "the server hung up: 1006"},
		"resets": {func(nc net.Conn) {
			nc.(*net.TCPConn).SetLinger(0)
			nc.Close()
		}, "the server reset the connection: 1006"},
		"within a frame": {func(nc net.Conn) {
			nc.Write([]byte{0x81, 0x7e, 0xff, 0xff, 'a'})
			nc.Close()
		}, "the server hung up: 1006"},
		"after nonsense": {func(nc net.Conn) {
			io.WriteString(nc, "HTTP/1.1 500 No\r\n\r\n")
		}, "The server broke the protocol"},
		"with text of no": {func(nc net.Conn) { nc.Write([]byte{0x81, 1, 0xff}) }, "1007 invalid payload"},
	} {
		t.Run(name, func(t *testing.T) {
			url := connectScripted(t, func(conn *molva.Conn) {
				conn.Write(context.Background(), molva.Text("last words"))
				c.die(conn.NetConn())
				untilClosed(conn)
			})
			connectOnce(t, "", url, "--wait=forever").wants(t, 1, "last words\n", c.want)
		})
	}
}

func TestConnectGivesUpAServerThatAnswersNoPing(t *testing.T) {
	release := make(chan struct{})
	url := connectScripted(t, func(*molva.Conn) { <-release }) // reads nothing
	connectOnce(t, "", url, "--wait=forever", "--keepalive=200ms").
		wants(t, 1, "", "given up: the server has sent nothing", "200ms")
	close(release)
}

// TestConnectClosesOnInterrupt is Ctrl-C, with a server that answers the close and one that does not.
func TestConnectClosesOnInterrupt(t *testing.T) {
	t.Run("answered", func(t *testing.T) {
		closed := make(chan *molva.CloseError, 1)
		opened := make(chan struct{})
		url := connectScripted(t, func(c *molva.Conn) {
			close(opened)
			closed <- untilClosed(c)
		})
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-opened
			cancel()
		}()
		in, input := io.Pipe()
		defer input.Close()
		// It may still be connecting, in which case nothing was closed.
		if got := connectWith(t, ctx, in, url); got.code != exitCanceled {
			got.wants(t, 0, "", "closed by us: 1000")
			if e := <-closed; e.Code != molva.CloseNormal || !e.ByPeer {
				t.Errorf("the server saw %v", e)
			}
		}
	})
	t.Run("not answered", func(t *testing.T) {
		t.Parallel()
		sent, release := make(chan struct{}), make(chan struct{})
		defer close(release)
		url := connectScripted(t, func(c *molva.Conn) {
			c.Write(context.Background(), molva.Text("hello"))
			close(sent)
			<-release
		})
		ctx, cancel := context.WithCancel(t.Context())
		out := &watchedOutput{text: "hello", seen: make(chan struct{})}
		go func() {
			<-out.seen
			cancel()
		}()
		var stderr connectOutput
		in, input := io.Pipe()
		defer input.Close()
		start := time.Now()
		code := runConnect(t, ctx, streams{in, out, &stderr}, url)
		connectResult{code, out.String(), stderr.String()}.wants(t, 1, "hello\n", "did not answer that within 5s")
		if took := time.Since(start); took > connectPatience/2 {
			t.Errorf("it took %s", took)
		}
	})
	t.Run("hung up on", func(t *testing.T) {
		url := connectScripted(t, func(c *molva.Conn) {
			c.Write(context.Background(), molva.Text("hello"))
			c.NetConn().Read(make([]byte, 100)) // the close frame
			c.NetConn().Close()
		})
		connectOnce(t, "", url, "-n1").wants(t, 0, "hello\n", "hung up without a close frame of its own")
	})
	t.Run("while connecting", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			nc, err := l.Accept()
			if err == nil {
				defer nc.Close()
				nc.Read(make([]byte, 1))
			}
			cancel()
			<-ctx.Done()
		}()
		got := connectWith(t, ctx, strings.NewReader(""), l.Addr().String())
		if got.code != exitCanceled || got.err != "" {
			t.Errorf("%+v", got)
		}
	})
}
