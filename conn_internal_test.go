package molva

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"unsafe"
)

// An idle connection is this, what the floor below keeps of its socket, and 20 bytes in lists.
func TestConnectionIsSmall(t *testing.T) {
	if n := unsafe.Sizeof(Conn{}); unsafe.Sizeof(uintptr(0)) == 8 && n > 112 {
		t.Errorf("a connection takes %d bytes, which is a size class more than before", n)
	}
}

// dialed returns a client whose peer says nothing until closePeer is called.
func dialed(t *testing.T) (c *Conn, closePeer func()) {
	t.Helper()
	accepted := make(chan *Conn, 1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := Accept(w, r, nil)
		if err != nil {
			t.Error(err)
		}
		accepted <- c
	})}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	c, _, err = Dial(t.Context(), "ws://"+l.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseNow)
	peer := <-accepted
	t.Cleanup(peer.CloseNow)
	return c, peer.CloseNow
}

// An application may read from all its connections with one context, which lives longer than they do.
func TestContextForgetsAConnectionThatHasEnded(t *testing.T) {
	c, closePeer := dialed(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	closePeer()
	if _, err := c.Read(ctx); err == nil {
		t.Fatal("Read returned a message")
	}
	if c.pull.unwatch != nil {
		t.Error("the context still knows the connection")
	}
}

func TestPingThatIsGivenUpLeavesNothingBehind(t *testing.T) {
	c, _ := dialed(t)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() {
		_, err := c.Ping(ctx)
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Ping: %v", err)
	}
	if n := len(c.later.pings.waiting); n != 0 {
		t.Errorf("%d pings wait for their pong", n)
	}
}
