package gateway_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/api"
)

func TestTheApplicationPutsClientsIntoRooms(t *testing.T) {
	g := &gateway.Gateway{
		Limits: gateway.Limits{Rooms: 2},
		Rules:  gateway.Rules{Join: func(*gateway.Client, string) error { return &gateway.ClientError{} }},
	}
	addr := open(t, g)
	a1, a2, b := connect(t, addr, "a"), connect(t, addr, "a"), connect(t, addr, "b")
	for _, step := range []struct {
		command api.Command
		want    string
	}{
		{api.Command{Command: "join", User: "a", Room: "r"}, `{"ok":true,"joined":2}`},
		{api.Command{Command: "join", Conn: a1.id, Room: "r"}, `{"ok":true,"joined":1}`}, // again
		{api.Command{Command: "join", Conn: b.id, Room: "r"}, `{"ok":true,"joined":1}`},
		{api.Command{Command: "join", Conn: b.id, Room: "s"}, `{"ok":true,"joined":1}`},
		{api.Command{Command: "join", Conn: b.id, Room: "t"}, `{"ok":true,"joined":0}`}, // too many
		{api.Command{Command: "join", Conn: b.id, Room: "s"}, `{"ok":true,"joined":1}`},
		{api.Command{Command: "join", User: "x", Room: "r"}, `{"ok":true,"joined":0}`},
		{api.Command{Command: "leave", Conn: a2.id, Room: "r"}, `{"ok":true,"left":1}`},
		{api.Command{Command: "leave", User: "a", Room: "r"}, `{"ok":true,"left":1}`},
		{api.Command{Command: "leave", User: "a", Room: "r"}, `{"ok":true,"left":0}`},
		{api.Command{Command: "leave", Conn: "c5", Room: "r"}, `{"ok":true,"left":0}`},
		{api.Command{Command: "join", Conn: a1.id, Room: "r"}, `{"ok":true,"joined":1}`},
		{api.Command{Command: "users", Room: "r"}, `{"ok":true,"users":[{"user":"a","conns":1},{"user":"b","conns":1}]}`},
	} {
		if got := said(t, do(g, step.command)); got != step.want {
			t.Errorf("%+v:\ngot  %s\nwant %s", step.command, got, step.want)
		}
	}
	do(g, api.Command{Room: "r", Message: json.RawMessage(`1`)})
	for _, p := range []*peer{a1, b} {
		p.want(`{"type":"message","id":"*","room":"r","data":1,"time":0}`)
	}
	a2.wantNothing()
	b.must(`{"type":"publish","room":"s","data":1`)
	b.must(`{"type":"leave","room":"s"`)
}

// TestClientsAndApplicationMeetInRooms lets clients join, leave and go while the application does the same to them.
func TestClientsAndApplicationMeetInRooms(t *testing.T) {
	d := new(diary)
	g := &gateway.Gateway{Observer: d.observer(), WebSocket: molva.Server{Limits: unlimited}}
	addr := open(t, g)
	const clients, turns = 6, 60
	var running sync.WaitGroup
	for i := range clients {
		user := fmt.Sprint("u", i)
		p := connect(t, addr, user)
		running.Go(func() {
			for range turns {
				p.must(`{"type":"join","room":"r","presence":true`)
				p.ask(`{"type":"publish","room":"r","data":1`)
				p.must(`{"type":"leave","room":"r"`)
			}
			p.CloseNow()
		})
		running.Go(func() {
			for range turns {
				do(g, api.Command{Command: "join", User: user, Room: "r"})
				do(g, api.Command{Command: "leave", User: user, Room: "r"})
				do(g, api.Command{Command: "join", User: user, Room: "r"})
			}
		})
	}
	running.Wait()
	if !within(func() bool { return g.Stats().Conns == 0 && g.Stats().Rooms == 0 }) {
		t.Fatalf("%d connections and %d rooms are left", g.Stats().Conns, g.Stats().Rooms)
	}
	checkRoom(t, d.written())
}
