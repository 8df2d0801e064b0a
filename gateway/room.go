package gateway

import (
	"sync"
	"sync/atomic"
)

// room is what the gateway knows of a room beside its members, which are the server's to know. Everything that happens
// in a room happens under its lock, and so in the same order for everybody. Sending only queues, so nobody waits there
// for a socket.
type room struct {
	name  string
	watch string       // what the server calls the room of those members who are told of presence
	conns atomic.Int64 // changes under mu

	mu    sync.Mutex
	users map[string]int // in how many connections each is here
	gone  bool           // the last member has left; there may be a new room of the same name
}

// membership is a connection's place in a room.
type membership struct {
	room     *room
	presence bool // is told of it
}

// rooms knows the rooms that have members.
type rooms struct {
	mu     sync.RWMutex // may be locked under a room's
	byName map[string]*room
}

func (all *rooms) find(name string) *room {
	all.mu.RLock()
	defer all.mu.RUnlock()
	return all.byName[name]
}

// make returns the room of a name, a new one if there is none.
func (all *rooms) make(name string) *room {
	if r := all.find(name); r != nil {
		return r
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	r := all.byName[name]
	if r == nil {
		// No client can name the second: it has a control character.
		r = &room{name: name, watch: "\x00" + name}
		if all.byName == nil {
			all.byName = make(map[string]*room)
		}
		all.byName[name] = r
	}
	return r
}

// remove forgets a room without members. The room is locked.
func (all *rooms) remove(r *room) {
	all.mu.Lock()
	defer all.mu.Unlock()
	r.gone = true
	delete(all.byName, r.name)
}

// lock locks r, and reports whether it is still the room of its name; it is not locked otherwise.
func (r *room) lock() bool {
	r.mu.Lock()
	if r.gone {
		r.mu.Unlock()
		return false
	}
	return true
}

// with calls f with the room of a name, locked; with nil if there is none.
func (all *rooms) with(name string, f func(*room)) {
	for {
		r := all.find(name)
		if r == nil {
			f(nil)
			return
		}
		if r.lock() {
			defer r.mu.Unlock()
			f(r)
			return
		}
	}
}

// join makes c a member of a room. Before anything else happens in the room, joined is called with the room locked. If
// the connection has ended, nothing happens.
func (g *Gateway) join(c *Client, name string, presence bool, joined func(*room)) {
	r := g.rooms.make(name)
	for !r.lock() {
		r = g.rooms.make(name)
	}
	defer r.mu.Unlock()
	m := c.joined([]byte(name))
	if m == nil {
		if m = r.add(g, c); m == nil {
			return
		}
	}
	if presence != m.presence {
		m.presence = presence
		if presence {
			c.conn.Join(r.watch)
		} else {
			c.conn.Leave(r.watch)
		}
	}
	joined(r)
	if name == statsRoom {
		g.feed.start(g)
	}
}

// add makes c a member. It returns nil if the connection has ended. The room is locked.
func (r *room) add(g *Gateway, c *Client) *membership {
	if c.conn.Join(r.name) != nil {
		if r.conns.Load() == 0 {
			g.rooms.remove(r)
		}
		return nil
	}
	r.conns.Add(1)
	if c.user != "" {
		if r.users == nil {
			r.users = make(map[string]int)
		}
		if r.users[c.user]++; r.users[c.user] == 1 {
			r.tellPresence(g, "joined", c.user)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rooms = append(c.rooms, membership{room: r})
	return &c.rooms[len(c.rooms)-1]
}

// leave takes c out of a room, if it is there.
func (g *Gateway) leave(c *Client, name string) {
	m := c.joined([]byte(name))
	if m == nil {
		return
	}
	r := m.room
	c.mu.Lock()
	last := len(c.rooms) - 1
	*m = c.rooms[last]
	c.rooms[last] = membership{}
	c.rooms = c.rooms[:last]
	c.mu.Unlock()
	r.remove(g, c)
}

// leaveAll takes c, which has ended, out of all rooms.
func (g *Gateway) leaveAll(c *Client) {
	c.mu.Lock()
	rooms := c.rooms
	c.rooms = nil
	c.mu.Unlock()
	for _, m := range rooms {
		m.room.remove(g, c)
	}
}

// remove ends a membership.
func (r *room) remove(g *Gateway, c *Client) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c.conn.Leave(r.name)
	c.conn.Leave(r.watch)
	if c.user != "" {
		if r.users[c.user]--; r.users[c.user] == 0 {
			delete(r.users, c.user)
			r.tellPresence(g, "left", c.user)
		}
	}
	if r.conns.Add(-1) == 0 {
		g.rooms.remove(r)
	}
}

// tellPresence tells those who want to know. The room is locked.
func (r *room) tellPresence(g *Gateway, event, user string) {
	t := newText()
	defer t.free()
	t.raw(`{"type":"presence","room":`)
	t.string(r.name)
	t.raw(`,"event":"`)
	t.raw(event)
	t.raw(`","user":`)
	t.string(user)
	t.raw(`}`)
	g.WebSocket.Publish(r.watch, t.message())
}

// maxPresent is how many users an answer lists.
const maxPresent = 1000

// users appends who is in a room, which is locked or nil.
func (t *text) users(r *room) {
	t.raw(`,"users":[`)
	if r == nil {
		t.raw(`]`)
		return
	}
	n := 0
	for user, conns := range r.users {
		if n++; n > maxPresent {
			break
		}
		if n > 1 {
			t.raw(`,`)
		}
		t.raw(`{"user":`)
		t.string(user)
		t.raw(`,"conns":`)
		t.int(int64(conns))
		t.raw(`}`)
	}
	t.raw(`]`)
	if n > maxPresent {
		t.raw(`,"more":true`)
	}
}
