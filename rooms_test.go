package molva_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/molva-ws/molva"
)

// hall is a server, with connections that are read with Read at both ends.
type hall struct {
	*molva.Server
	addr  string
	conns <-chan *molva.Conn
}

func newHall(t testing.TB, opts molva.AcceptOptions) *hall {
	opts.Server = new(molva.Server)
	h := &hall{Server: opts.Server}
	h.addr, h.conns = acceptOn(t, &opts)
	return h
}

func (h *hall) enter(t testing.TB) (server, client *molva.Conn) {
	t.Helper()
	client = dial(t, h.addr, nil)
	return <-h.conns, client
}

func wantReached(t *testing.T, want int) func(int, error) {
	return func(n int, err error) {
		t.Helper()
		if n != want || err != nil {
			t.Errorf("reached %d, %v; want %d", n, err, want)
		}
	}
}

func TestRoomsAndUsers(t *testing.T) {
	h := newHall(t, molva.AcceptOptions{})
	a, aClient := h.enter(t)
	b, bClient := h.enter(t)
	c, cClient := h.enter(t)
	a.SetUser("anna")
	b.SetUser("anna")
	c.SetUser("carl")
	for _, conn := range []*molva.Conn{a, c} {
		if err := conn.Join("room"); err != nil {
			t.Fatal(err)
		}
		conn.Join("room")
	}
	wantReached(t, 2)(h.Publish("room", molva.Text("to the room")))
	wantReached(t, 1)(a.Publish("room", molva.Text("from a")))
	wantReached(t, 2)(b.Publish("room", molva.Text("from b")))
	wantReached(t, 2)(h.SendUser("anna", molva.Text("to anna")))
	wantReached(t, 3)(h.Broadcast(molva.Text("to all")))
	wantReached(t, 0)(h.SendUser("nobody", molva.Text("x")))
	wantReached(t, 0)(h.SendUser("", molva.Text("x")))
	wantReached(t, 0)(h.Publish("nowhere", molva.Text("x")))
	if n, err := h.Broadcast(molva.Message{Type: 99}); n != 0 || err != molva.ErrType {
		t.Errorf("a message of no type reached %d, %v", n, err)
	}
	for client, messages := range map[*molva.Conn][]string{
		aClient: {"to the room", "from b", "to anna", "to all"},
		bClient: {"to anna", "to all"},
		cClient: {"to the room", "from a", "from b", "to all"},
	} {
		for _, m := range messages {
			wantMessage(t, client, m)
		}
	}
	if n := len(h.Members("room")); n != 2 {
		t.Errorf("%d members", n)
	}
	c.Leave("room")
	c.Leave("room")
	b.SetUser("bert")
	wantReached(t, 1)(h.Publish("room", molva.Text("x")))
	wantReached(t, 1)(h.SendUser("anna", molva.Text("x")))
	wantReached(t, 1)(h.SendUser("bert", molva.Text("x")))
	a.CloseNow()
	wantReached(t, 0)(h.Publish("room", molva.Text("x")))
	if err := a.Join("room"); err != molva.ErrClosed {
		t.Errorf("Join after the end: %v", err)
	}
	a.SetUser("ghost")
	if n := len(h.ConnsOf("anna")) + len(h.ConnsOf("ghost")) + len(h.Members("room")); n != 0 {
		t.Errorf("the connection that ended is still in %d places", n)
	}
	if n := len(h.Conns()); n != 2 {
		t.Errorf("%d connections, want 2", n)
	}
}

func TestHubStaysSoundWhileAllMoves(t *testing.T) {
	h := newHall(t, molva.AcceptOptions{Slow: molva.SlowRefuse})
	var moving sync.WaitGroup
	for range 8 {
		server, client := h.enter(t)
		client.CloseRead(context.Background())
		go func() {
			for range client.Messages(context.Background()) {
			}
		}()
		moving.Go(func() {
			for i := range 500 {
				room := fmt.Sprint("room ", rand.IntN(3))
				user := fmt.Sprint("user ", rand.IntN(3))
				server.Join(room)
				server.SetUser(user)
				h.Publish(room, molva.Text("x"))
				h.SendUser(user, molva.Text("x"))
				h.Members(room)
				if i%3 == 0 {
					server.Leave(room)
				}
			}
			server.CloseNow()
			server.Join("room 0")
			server.SetUser("user 0")
		})
	}
	moving.Wait()
	left := len(h.Conns())
	for i := range 3 {
		left += len(h.Members(fmt.Sprint("room ", i))) + len(h.ConnsOf(fmt.Sprint("user ", i)))
	}
	if left != 0 {
		t.Errorf("connections that ended are still in %d places", left)
	}
}
