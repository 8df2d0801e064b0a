package gateway_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway"
)

// diary is an observer that writes down what it is told.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf(format, args...))
}

func (d *diary) written() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.lines)
}

func (d *diary) observer() gateway.Observer {
	return gateway.Observer{
		Connected: func(c *gateway.Client) { d.note("connected %s %v", c.User(), c.ID() != "") },
		Disconnected: func(c *gateway.Client, err error) {
			d.note("disconnected %s %d", c.User(), err.(*molva.CloseError).Code)
		},
		Joined:    func(c *gateway.Client, room string) { d.note("joined %s %s", c.User(), room) },
		Left:      func(c *gateway.Client, room string) { d.note("left %s %s", c.User(), room) },
		Occupied:  func(room string) { d.note("occupied %s", room) },
		Vacated:   func(room string) { d.note("vacated %s", room) },
		Published: func(c *gateway.Client, p gateway.Publication) { d.note("published %s %s", c.User(), told(p)) },
		Sent:      func(c *gateway.Client, p gateway.Publication) { d.note("sent %s %s", c.User(), told(p)) },
	}
}

func told(p gateway.Publication) string {
	return fmt.Sprintf("%q %q %s %d %v", p.Room, p.User, p.Data, p.Reached, p.ID != "" && p.Time > 0)
}

func TestObserverIsToldInOrder(t *testing.T) {
	d := new(diary)
	g := &gateway.Gateway{Observer: d.observer(), Rules: gateway.Rules{Unjoined: true}}
	addr := open(t, g)
	a := connect(t, addr, "a")
	a.must(`{"type":"join","room":"r"`)
	a.must(`{"type":"join","room":"r","presence":true`) // is nothing new
	b := connect(t, addr, "b")
	b.must(`{"type":"join","room":"r"`)
	b.must(`{"type":"publish","room":"r","data":[1]`)
	a.must(`{"type":"publish","room":"empty","data":2`)
	a.must(`{"type":"send","user":"b","data":"hi"`)
	b.must(`{"type":"leave","room":"r"`)
	b.must(`{"type":"leave","room":"r"`) // likewise
	a.must(`{"type":"join","room":"s"`)
	a.Close(molva.CloseNormal, "")
	want := []string{
		"connected a true", "occupied r", "joined a r", "connected b true", "joined b r",
		`published b "r" "" [1] 1 true`, `published a "empty" "" 2 0 true`, `sent a "" "b" "hi" 1 true`,
		"left b r", "occupied s", "joined a s", "left a r", "vacated r", "left a s", "vacated s", "disconnected a 1000",
	}
	if !within(func() bool { return len(d.written()) >= len(want) }) || !slices.Equal(d.written(), want) {
		t.Errorf("got  %q\nwant %q", d.written(), want)
	}
}

// TestObserverCounts lets many come and go at once and holds what the observer was told against what is possible.
func TestObserverCounts(t *testing.T) {
	d := new(diary)
	g := &gateway.Gateway{Observer: d.observer(), WebSocket: molva.Server{Limits: unlimited}}
	addr := open(t, g)
	const clients, turns = 8, 40
	var running sync.WaitGroup
	for i := range clients {
		p := connect(t, addr, fmt.Sprint("u", i))
		running.Go(func() {
			for range turns {
				p.must(`{"type":"join","room":"r"`)
				p.must(`{"type":"leave","room":"r"`)
			}
			p.must(`{"type":"join","room":"r"`)
			p.CloseNow()
		})
	}
	running.Wait()
	all := clients * (2 + 2*(turns+1)) // beside occupied and vacated
	ended := func() bool {
		n := 0
		for _, line := range d.written() {
			if line != "occupied r" && line != "vacated r" {
				n++
			}
		}
		return n == all
	}
	if !within(ended) {
		t.Fatalf("%d lines; want %d beside occupied and vacated", len(d.written()), all)
	}
	checkRoom(t, d.written())
}

// checkRoom sees to it that a room is occupied while anybody is there, and vacant else.
func checkRoom(t *testing.T, lines []string) {
	t.Helper()
	there := make(map[string]bool)
	occupied := false
	for _, line := range lines {
		var event, user, room string
		fmt.Sscan(line, &event, &user, &room)
		ok := true
		switch event {
		case "occupied":
			ok, occupied = !occupied && len(there) == 0, true
		case "vacated":
			ok, occupied = occupied && len(there) == 0, false
		case "joined":
			ok = occupied && !there[user]
			there[user] = true
		case "left":
			ok = there[user]
			delete(there, user)
		}
		if !ok {
			t.Fatalf("%s, when %v are there and occupied is %v", line, there, occupied)
		}
	}
	if occupied || len(there) > 0 {
		t.Errorf("in the end %v are there and occupied is %v", there, occupied)
	}
}

func TestRoomsAreListedInOrder(t *testing.T) {
	joined := make(chan *gateway.Client, 1)
	g := &gateway.Gateway{Observer: gateway.Observer{Connected: func(c *gateway.Client) { joined <- c }}}
	p := connect(t, open(t, g), "a")
	for _, room := range []string{"1", "2", "3", "4"} {
		p.must(fmt.Sprintf(`{"type":"join","room":%q`, room))
	}
	p.must(`{"type":"leave","room":"2"`)
	if got := (<-joined).Rooms(); !slices.Equal(got, []string{"1", "3", "4"}) {
		t.Errorf("rooms: %v", got)
	}
}
