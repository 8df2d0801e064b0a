package gateway_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/api"
)

func TestPresence(t *testing.T) {
	addr := open(t, new(gateway.Gateway))
	a1, a2, b, nobody := connect(t, addr, "a"), connect(t, addr, "a"), connect(t, addr, "b"), connect(t, addr, "")
	const join = `{"type":"join","room":"r","presence":true`
	if got := a1.must(join); got != `{"type":"ok","ack":1,"room":"r","users":[{"user":"a","conns":1}]}` {
		t.Error(got)
	}
	if got := a2.must(join); got != `{"type":"ok","ack":1,"room":"r","users":[{"user":"a","conns":2}]}` {
		t.Error(got)
	}
	nobody.must(join)
	a1.wantNothing() // another tab, and one without a name, are nothing new
	b.must(`{"type":"join","room":"r"`)
	b.must(`{"type":"leave","room":"r"`)
	b.must(`{"type":"join","room":"r"`)
	for _, p := range []*peer{a1, a2, nobody} {
		p.want(`{"type":"presence","room":"r","event":"joined","user":"b"}`,
			`{"type":"presence","room":"r","event":"left","user":"b"}`,
			`{"type":"presence","room":"r","event":"joined","user":"b"}`)
	}
	b.wantNothing() // did not ask to be told
	a1.must(`{"type":"join","room":"r"`)
	b.CloseNow()
	for _, p := range []*peer{a2, nobody} {
		p.want(`{"type":"presence","room":"r","event":"left","user":"b"}`)
	}
	a1.wantNothing() // does not want to be told any more
	a2.must(`{"type":"leave","room":"r"`)
	nobody.wantNothing() // one tab is still there
	a1.must(`{"type":"leave","room":"r"`)
	nobody.want(`{"type":"presence","room":"r","event":"left","user":"a"}`)
}

func TestPresenceListsAThousand(t *testing.T) {
	if testing.Short() {
		t.Skip("opens a thousand connections")
	}
	g := &gateway.Gateway{Rules: gateway.Rules{Unjoined: true}}
	addr := open(t, g)
	for i := range 1000 {
		connect(t, addr, fmt.Sprint("u", i)).must(`{"type":"join","room":"r"`)
	}
	last := connect(t, addr, "last")
	var answer struct {
		Users []api.UserInfo
		More  bool
	}
	ask := func(open string) {
		t.Helper()
		if err := json.Unmarshal([]byte(last.must(open)), &answer); err != nil {
			t.Fatal(err)
		}
	}
	if ask(`{"type":"presence","room":"r"`); len(answer.Users) != 1000 || answer.More {
		t.Errorf("there are %d, more is %v", len(answer.Users), answer.More)
	}
	if ask(`{"type":"join","room":"r"`); len(answer.Users) != 1000 || !answer.More {
		t.Errorf("there are %d, more is %v", len(answer.Users), answer.More)
	}
}

// TestPresenceAddsUp lets many come and go at random, and holds what each of them is told against what is possible and,
// in the end, against what is the case.
func TestPresenceAddsUp(t *testing.T) {
	g := &gateway.Gateway{WebSocket: molva.Server{Limits: unlimited}}
	addr := open(t, g)
	const clients, steps = 16, 120
	guests := make([]*guest, clients)
	for i := range guests {
		user := ""
		if i > 0 {
			user = fmt.Sprint("u", i%7)
		}
		guests[i] = &guest{user: user, addr: addr, random: rand.New(rand.NewPCG(rand.Uint64(), 0))}
		guests[i].connect(t)
	}
	var running sync.WaitGroup
	for _, one := range guests {
		running.Go(func() {
			for range steps {
				one.step(t)
			}
		})
	}
	running.Wait()
	if t.Failed() {
		return
	}
	// Those that were cut are gone once the server has noticed.
	if !within(func() bool { return g.Stats().Conns == clients }) {
		t.Fatalf("there are %d connections", g.Stats().Conns)
	}
	there := make(map[string]map[string]int)
	for _, one := range guests {
		for room := range one.rooms {
			if there[room] == nil {
				there[room] = make(map[string]int)
			}
			if one.user != "" {
				there[room][one.user]++
			}
		}
	}
	for _, one := range guests {
		one.check(t, there)
	}
	list := *do(g, api.Command{Command: "rooms"}).Rooms
	if len(list) != len(there) {
		t.Errorf("there are %d rooms: %v; want %d", len(list), list, len(there))
	}
	for room, users := range there {
		got := make(map[string]int)
		for _, u := range *do(g, api.Command{Command: "users", Room: room}).Users {
			got[u.User] = u.Conns
		}
		if !maps.Equal(got, users) {
			t.Errorf("in %s there are %v; want %v", room, got, users)
		}
	}
}

// guest is a client who comes and goes at random, and believes what it is told.
type guest struct {
	*peer
	user, addr string
	random     *rand.Rand
	rooms      map[string]map[string]bool // joined: who is there, nil where the guest is not told
}

func (g *guest) connect(t *testing.T) {
	g.peer = connect(t, g.addr, g.user)
	g.rooms = make(map[string]map[string]bool)
}

func (g *guest) step(t *testing.T) {
	room := string(rune('a' + g.random.IntN(3)))
	switch g.random.IntN(12) {
	case 0:
		if g.random.IntN(2) == 0 {
			g.CloseNow()
		} else {
			g.Close(molva.CloseNormal, "")
		}
		g.connect(t)
	case 1, 2, 3:
		before, _ := g.ask(fmt.Sprintf(`{"type":"leave","room":%q`, room))
		g.hear(t, before)
		delete(g.rooms, room)
	default:
		presence := g.random.IntN(3) > 0
		before, answer := g.ask(fmt.Sprintf(`{"type":"join","room":%q,"presence":%v`, room, presence))
		g.hear(t, before)
		g.rooms[room] = nil
		if presence {
			g.rooms[room] = usersIn(t, answer)
		}
	}
}

func usersIn(t *testing.T, answer string) map[string]bool {
	var list struct{ Users []api.UserInfo }
	if err := json.Unmarshal([]byte(answer), &list); err != nil {
		t.Error(err)
	}
	users := make(map[string]bool)
	for _, u := range list.Users {
		if users[u.User] {
			t.Errorf("%s is there twice: %s", u.User, answer)
		}
		users[u.User] = true
	}
	return users
}

// hear notes who comes and goes.
func (g *guest) hear(t *testing.T, messages []string) {
	for _, text := range messages {
		var m struct{ Type, Room, Event, User string }
		if err := json.Unmarshal([]byte(text), &m); err != nil {
			t.Error(err)
		}
		users := g.rooms[m.Room]
		switch {
		case m.Type != "presence" || users == nil:
			t.Errorf("nobody wanted to hear %s", text)
		case m.User == g.user:
			t.Errorf("%s is told of itself: %s", g.user, text)
		case m.Event == "joined" && users[m.User], m.Event == "left" && !users[m.User]:
			t.Errorf("%v cannot be where there is %v", text, users)
		}
		if m.Event == "joined" {
			users[m.User] = true
		} else {
			delete(users, m.User)
		}
	}
}

// check holds what the guest believes against what is the case.
func (g *guest) check(t *testing.T, there map[string]map[string]int) {
	before, _ := g.ask(`{"type":"ping"`)
	g.hear(t, before)
	for room, users := range g.rooms {
		if _, answer := g.ask(fmt.Sprintf(`{"type":"presence","room":%q`, room)); len(usersIn(t, answer)) != len(there[room]) {
			t.Errorf("in %s there are %v: %s", room, there[room], answer)
		}
		if users == nil {
			continue
		}
		want := strings.Join(sorted(there[room]), " ")
		if got := strings.Join(sorted(users), " "); got != want {
			t.Errorf("%s believes that in %s there are %s; want %s", g.user, room, got, want)
		}
	}
}
