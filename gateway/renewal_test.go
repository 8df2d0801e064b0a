package gateway_test

import (
	"errors"
	"testing"
	"time"

	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/api"
)

// TestWhoRenewsLeavesWhatItMayNotStayIn lets a client stay in no room: it leaves those that it has joined by itself, but
// not the one in which the application has put it, and presence and the observer hear of it.
func TestWhoRenewsLeavesWhatItMayNotStayIn(t *testing.T) {
	left := make(chan string, 10)
	g := &gateway.Gateway{
		Renew:    func(*gateway.Client, string) (time.Time, error) { return time.Time{}, nil },
		Rules:    gateway.Rules{Stay: func(*gateway.Client, string) error { return errors.New("no") }},
		Observer: gateway.Observer{Left: func(c *gateway.Client, room string) { left <- c.User() + " " + room }},
	}
	url := open(t, g)
	p, other := dialAs(t, url, "a"), dialAs(t, url, "b")
	p.read()
	other.read()
	p.must(`{"type":"join","room":"own"`)
	p.must(`{"type":"join","room":"both"`)
	other.must(`{"type":"join","room":"own","presence":true`)
	for _, room := range []string{"put", "both"} {
		if a := do(g, api.Command{Command: "join", User: "a", Room: room}); a.Joined == nil || *a.Joined != 1 {
			t.Fatalf("%+v", a)
		}
	}
	p.must(`{"type":"renew","token":"x"`)
	p.want(`{"type":"left","room":"own"}`)
	other.want(`{"type":"presence","room":"own","event":"left","user":"a"}`)
	if got := <-left; got != "a own" {
		t.Errorf("%s has left", got)
	}
	for room, want := range map[string]int{"own": 1, "put": 1, "both": 1} {
		if a := do(g, api.Command{Command: "users", Room: room}); len(*a.Users) != want {
			t.Errorf("in %s: %+v", room, a.Users)
		}
	}
	p.wantNothing()
}
