package gateway_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/api"
)

// said is an answer in JSON, without what differs from run to run.
func said(t testing.TB, a *api.Answer) string {
	t.Helper()
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return plain(string(text))
}

func TestEveryCommand(t *testing.T) {
	g := new(gateway.Gateway)
	addr := open(t, g)
	a1, _, nobody := connect(t, addr, "a"), connect(t, addr, "a"), connect(t, addr, "")
	a1.must(`{"type":"join","room":"r"`)
	a1.must(`{"type":"join","room":"s"`)
	nobody.must(`{"type":"join","room":"r"`)
	message := json.RawMessage(`"hi"`)
	info := func(user, rooms string) string {
		return `{"conn":"*",` + user + `"address":"127.0.0.1","rooms":[` + rooms + `],"since":0,"queued":0}`
	}
	infoA1, infoA2, infoNobody := info(`"user":"a",`, `"r","s"`), info(`"user":"a",`, ``), info(``, `"r"`)
	for _, test := range []struct {
		name    string
		command api.Command
		want    string
	}{
		{"send to a user", api.Command{User: "a", Message: message}, `{"ok":true,"id":"*","time":0,"reached":2}`},
		{"send by name", api.Command{Command: "send", User: "x", Message: message, ID: json.RawMessage(`[7]`)},
			`{"ok":true,"request":[7],"id":"*","time":0,"reached":0}`},
		{"send to a room", api.Command{Room: "r", Message: message}, `{"ok":true,"id":"*","time":0,"reached":2}`},
		{"send to an empty room", api.Command{Room: "x", Message: message}, `{"ok":true,"id":"*","time":0,"reached":0}`},
		{"send to all", api.Command{All: true, Message: message}, `{"ok":true,"id":"*","time":0,"reached":3}`},
		{"online", api.Command{Command: "online", User: "a"}, `{"ok":true,"online":true,"conns":2}`},
		{"not online", api.Command{Command: "online", User: "x"}, `{"ok":true,"online":false,"conns":0}`},
		{"conns", api.Command{Command: "conns"}, `{"ok":true,"conns":[` + infoA1 + `,` + infoA2 + `,` + infoNobody + `]}`},
		{"conns, a page", api.Command{Command: "conns", Limit: 1}, `{"ok":true,"conns":[` + infoA1 + `],"more":true}`},
		{"conns, the next page", api.Command{Command: "conns", Limit: 2, After: a1.id}, `{"ok":true,"conns":[` + infoA2 + `,` + infoNobody + `]}`},
		{"conns of a room", api.Command{Command: "conns", Room: "r"}, `{"ok":true,"conns":[` + infoA1 + `,` + infoNobody + `]}`},
		{"conns of a room, next page", api.Command{Command: "conns", Room: "r", After: a1.id}, `{"ok":true,"conns":[` + infoNobody + `]}`},
		{"conns of a user", api.Command{Command: "conns", User: "a", Limit: 1}, `{"ok":true,"conns":[` + infoA1 + `],"more":true}`},
		{"conns of nobody", api.Command{Command: "conns", User: "x"}, `{"ok":true,"conns":[]}`},
		{"rooms", api.Command{Command: "rooms"}, `{"ok":true,"rooms":[{"room":"r","conns":2,"users":1},{"room":"s","conns":1,"users":1}]}`},
		{"rooms, a page", api.Command{Command: "rooms", Limit: 1}, `{"ok":true,"rooms":[{"room":"r","conns":2,"users":1}],"more":true}`},
		{"rooms, the next page", api.Command{Command: "rooms", After: "r"}, `{"ok":true,"rooms":[{"room":"s","conns":1,"users":1}]}`},
		{"rooms, after all", api.Command{Command: "rooms", After: "s"}, `{"ok":true,"rooms":[]}`},
		{"users", api.Command{Command: "users"}, `{"ok":true,"users":[{"user":"a","conns":2}]}`},
		{"users of a room", api.Command{Command: "users", Room: "r"}, `{"ok":true,"users":[{"user":"a","conns":1}]}`},
		{"users of no room", api.Command{Command: "users", Room: "x"}, `{"ok":true,"users":[]}`},
		{"users, after all", api.Command{Command: "users", After: "a"}, `{"ok":true,"users":[]}`},
		{"ping", api.Command{Command: "ping"}, `{"ok":true,"time":0}`},
		{"disconnect nobody", api.Command{Command: "disconnect", User: "x"}, `{"ok":true,"closed":0}`},
		{"disconnect no conn", api.Command{Command: "disconnect", Conn: "c5"}, `{"ok":true,"closed":0}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := said(t, do(g, test.command)); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestWrongCommands(t *testing.T) {
	g := &gateway.Gateway{Limits: gateway.Limits{Message: 100}}
	open(t, g)
	ok := json.RawMessage(`1`)
	for _, test := range []struct {
		name    string
		command api.Command
		want    api.ErrorCode
	}{
		{"an unknown command", api.Command{Command: "sned"}, api.ErrBadCommand},
		{"to nobody", api.Command{Message: ok}, api.ErrBadField},
		{"to two", api.Command{User: "a", Room: "r", Message: ok}, api.ErrBadField},
		{"to one and all", api.Command{User: "a", All: true, Message: ok}, api.ErrBadField},
		{"no message", api.Command{User: "a"}, api.ErrBadField},
		{"an empty message", api.Command{User: "a", Message: json.RawMessage{}}, api.ErrBadField},
		{"no JSON", api.Command{User: "a", Message: json.RawMessage(`hi`)}, api.ErrBadField},
		{"two values", api.Command{User: "a", Message: json.RawMessage(`1 2`)}, api.ErrBadField},
		{"no UTF-8", api.Command{User: "a", Message: json.RawMessage("\"\xff\"")}, api.ErrBadField},
		{"too large", api.Command{User: "a", Message: json.RawMessage(`"` + strings.Repeat("a", 100) + `"`)}, api.ErrTooLarge},
		{"a long name", api.Command{User: long, Message: ok}, api.ErrBadField},
		{"a name with a control character", api.Command{Room: "a\x00", Message: ok}, api.ErrBadField},
		{"a reserved room", api.Command{Room: "$stats", Message: ok}, api.ErrBadField},
		{"a reserved user", api.Command{User: "$", Message: ok}, api.ErrBadField},
		{"a long key", api.Command{User: "a", Message: ok, Key: strings.Repeat("k", 256)}, api.ErrBadField},
		{"a field of another command", api.Command{User: "a", Message: ok, Limit: 1}, api.ErrBadField},
		{"online without user", api.Command{Command: "online"}, api.ErrBadField},
		{"conns of room and user", api.Command{Command: "conns", User: "a", Room: "r"}, api.ErrBadField},
		{"conns after nonsense", api.Command{Command: "conns", After: "x"}, api.ErrBadField},
		{"a negative limit", api.Command{Command: "rooms", Limit: -1}, api.ErrBadField},
		{"a large limit", api.Command{Command: "users", Limit: 1001}, api.ErrBadField},
		{"disconnect nobody in particular", api.Command{Command: "disconnect"}, api.ErrBadField},
		{"disconnect two", api.Command{Command: "disconnect", User: "a", Conn: "c"}, api.ErrBadField},
		{"disconnect with 1001", api.Command{Command: "disconnect", User: "a", Code: 1001}, api.ErrBadField},
		{"disconnect with 5000", api.Command{Command: "disconnect", User: "a", Code: 5000}, api.ErrBadField},
		{"disconnect with 4403 in 16 bits", api.Command{Command: "disconnect", User: "a", Code: 4403 + 1<<16}, api.ErrBadField},
		{"join without a room", api.Command{Command: "join", User: "a"}, api.ErrBadField},
		{"join nobody in particular", api.Command{Command: "join", Room: "r"}, api.ErrBadField},
		{"join two", api.Command{Command: "join", Room: "r", User: "a", Conn: "c"}, api.ErrBadField},
		{"join a reserved room", api.Command{Command: "join", Room: "$stats", User: "a"}, api.ErrBadField},
		{"leave without a room", api.Command{Command: "leave", Conn: "c"}, api.ErrBadField},
		{"leave with a code", api.Command{Command: "leave", Room: "r", User: "a", Code: 4403}, api.ErrBadField},
		{"a long reason", api.Command{Command: "disconnect", User: "a", Reason: strings.Repeat("r", 124)}, api.ErrBadField},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.command.ID = json.RawMessage(`"id"`)
			a := do(g, test.command)
			if a.OK || a.Error != test.want || a.Message == "" || string(a.Request) != `"id"` {
				t.Errorf("got %s; want %s", said(t, a), test.want)
			}
		})
	}
}

func TestDisconnect(t *testing.T) {
	g := new(gateway.Gateway)
	addr := open(t, g)
	a1, a2, b, c := connect(t, addr, "a"), connect(t, addr, "a"), connect(t, addr, "b"), connect(t, addr, "")
	if got := said(t, do(g, api.Command{Command: "disconnect", User: "a"})); got != `{"ok":true,"closed":2}` {
		t.Error(got)
	}
	a1.wantClosed(4403)
	a2.wantClosed(4403)
	do(g, api.Command{User: "b", Message: json.RawMessage(`"bye"`)})
	if got := said(t, do(g, api.Command{Command: "disconnect", Conn: b.id, Code: 3999, Reason: "é"})); got != `{"ok":true,"closed":1}` {
		t.Error(got)
	}
	b.want(`{"type":"message","id":"*","user":"b","data":"bye","time":0}`)
	b.wantClosed(3999)
	c.wantNothing()
}

func TestKeysSendOnce(t *testing.T) {
	g := &gateway.Gateway{Limits: gateway.Limits{Keys: 3}}
	p := connect(t, open(t, g), "a")
	send := func(key, message string) *api.Answer {
		return do(g, api.Command{User: "a", Message: json.RawMessage(message), Key: key})
	}
	first := send("k", "1")
	again := send("k", "1")
	if !again.OK || !again.Repeated || again.MsgID != first.MsgID || again.Time != first.Time || *again.Reached != 1 || first.Repeated {
		t.Errorf("first %s, again %s", said(t, first), said(t, again))
	}
	for _, other := range []api.Command{
		{User: "a", Message: json.RawMessage("2")},
		{User: "b", Message: json.RawMessage("1")},
		{Room: "a", Message: json.RawMessage("1")},
		{All: true, Message: json.RawMessage("1")},
	} {
		other.Key = "k"
		if a := do(g, other); a.Error != api.ErrKeyReused {
			t.Errorf("another message: %s", said(t, a))
		}
	}
	if a := do(g, api.Command{User: "a", Message: json.RawMessage("x"), Key: "wrong"}); a.Error != api.ErrBadField {
		t.Error(said(t, a))
	}
	send("wrong", "2") // an error is not remembered
	send("l", "3")
	if a := send("k", "1"); !a.Repeated {
		t.Errorf("the oldest of three is forgotten: %s", said(t, a))
	}
	send("m", "4") // is one too many
	if a := send("k", "1"); a.Repeated {
		t.Errorf("the oldest of four is not forgotten")
	}
	p.want(`{"type":"message","id":"*","user":"a","data":1,"time":0}`, `{"type":"message","id":"*","user":"a","data":2,"time":0}`,
		`{"type":"message","id":"*","user":"a","data":3,"time":0}`, `{"type":"message","id":"*","user":"a","data":4,"time":0}`,
		`{"type":"message","id":"*","user":"a","data":1,"time":0}`)
	p.wantNothing()
}

func TestTheSameKeyAtTheSameTimeSendsOnce(t *testing.T) {
	g := new(gateway.Gateway)
	p := connect(t, open(t, g), "a")
	const keys, each = 50, 8
	var fresh, repeated atomic.Int64
	var running sync.WaitGroup
	for range each {
		running.Go(func() {
			for i := range keys {
				a := do(g, api.Command{User: "a", Message: json.RawMessage("1"), Key: fmt.Sprint(i)})
				switch {
				case !a.OK || *a.Reached != 1:
					t.Error(said(t, a))
				case a.Repeated:
					repeated.Add(1)
				default:
					fresh.Add(1)
				}
			}
		})
	}
	running.Wait()
	if fresh.Load() != keys || repeated.Load() != keys*(each-1) {
		t.Errorf("%d fresh, %d repeated", fresh.Load(), repeated.Load())
	}
	for range keys {
		p.read()
	}
	p.wantNothing()
}

func TestPagesAddUp(t *testing.T) {
	g := &gateway.Gateway{WebSocket: molva.Server{Limits: unlimited}}
	addr := open(t, g)
	const n = 57
	for i := range n {
		p := connect(t, addr, fmt.Sprint("u", i))
		p.must(fmt.Sprintf(`{"type":"join","room":"r%d"`, i))
		p.must(`{"type":"join","room":"all"`)
	}
	for _, test := range []struct {
		command api.Command
		names   func(*api.Answer) []string
		want    int
	}{
		{api.Command{Command: "conns"}, connNames, n},
		{api.Command{Command: "conns", Room: "all"}, connNames, n},
		{api.Command{Command: "users"}, userNames, n},
		{api.Command{Command: "users", Room: "all"}, userNames, n},
		{api.Command{Command: "rooms"}, roomNames, n + 1},
	} {
		for _, limit := range []int{1, 7, n, n + 1, 1000} {
			seen := make(map[string]bool)
			c := test.command
			c.Limit = limit
			for last := ""; ; {
				a := do(g, c)
				names := test.names(a)
				if len(names) > limit || a.More && len(names) < limit {
					t.Fatalf("a page of %d has %d", limit, len(names))
				}
				for _, name := range names {
					if c.Command != "conns" && name <= last {
						t.Fatalf("%s comes after %s", name, last)
					}
					seen[name], last = true, name
				}
				if !a.More {
					break
				}
				c.After = last
			}
			if len(seen) != test.want {
				t.Errorf("%+v: %d names, want %d", c, len(seen), test.want)
			}
		}
	}
}

func connNames(a *api.Answer) (names []string) {
	for _, c := range a.Conns.([]api.ConnInfo) {
		names = append(names, c.Conn)
	}
	return names
}

func userNames(a *api.Answer) (names []string) {
	for _, u := range *a.Users {
		names = append(names, u.User)
	}
	return names
}

func roomNames(a *api.Answer) (names []string) {
	for _, r := range *a.Rooms {
		names = append(names, r.Room)
	}
	return names
}

func TestStats(t *testing.T) {
	g := new(gateway.Gateway)
	p := connect(t, open(t, g), "a")
	p.must(`{"type":"join","room":"r"`)
	do(g, api.Command{Room: "r", Message: json.RawMessage("1")})
	p.want(`{"type":"message","id":"*","room":"r","data":1,"time":0}`)
	p.wantNothing() // by now all before is counted, the last ping may not be
	s := do(g, api.Command{Command: "stats"}).Stats
	if s.Conns != 1 || s.Users != 1 || s.Rooms != 1 || s.Commands != 2 || s.MessagesIn < 1 || s.MessagesOut < 3 ||
		s.BytesIn == 0 || s.BytesOut == 0 {
		t.Errorf("got %+v", s)
	}
}

func TestNothingIsDoneOnceItShutsDown(t *testing.T) {
	g := new(gateway.Gateway)
	addr := open(t, g)
	p := connect(t, addr, "a")
	do(g, api.Command{User: "a", Message: json.RawMessage(`"last"`)})
	down := make(chan error, 1)
	go func() { down <- g.Shutdown(context.Background()) }()
	p.want(`{"type":"message","id":"*","user":"a","data":"last","time":0}`)
	p.wantClosed(molva.CloseGoingAway)
	if a := do(g, api.Command{User: "a", Message: json.RawMessage("1")}); a.Error != api.ErrBusy {
		t.Error(said(t, a))
	}
	if err := <-down; err != nil {
		t.Error(err)
	}
	if s := g.Stats(); s.Conns != 0 || s.Users != 0 || s.Rooms != 0 {
		t.Errorf("left behind: %+v", s)
	}
}
