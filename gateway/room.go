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

// locked returns the room of a name, a new one if there is none, and locks it.
func (all *rooms) locked(name string) *room {
	r := all.make(name)
	for !r.lock() {
		r = all.make(name)
	}
	return r
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
	r := g.rooms.locked(name)
	defer r.mu.Unlock()
	if !r.add(g, c) {
		return
	}
	switch {
	case !c.setPresence(r, presence):
	case presence:
		c.conn.Join(r.watch)
	default:
		c.conn.Leave(r.watch)
	}
	joined(r)
	if name == statsRoom {
		g.feed.start(g)
	}
}

// add makes c a member, if it is none, and reports whether it is one now. It is not if the connection has ended. The
// room is locked.
func (r *room) add(g *Gateway, c *Client) bool {
	if c.isIn(r) {
		return true
	}
	if c.conn.Join(r.name) != nil || !c.noteJoined(r) {
		c.conn.Leave(r.name)
		if r.conns.Load() == 0 {
			g.rooms.remove(r)
		}
		return false
	}
	o := g.observer()
	if r.conns.Add(1) == 1 && o.Occupied != nil {
		o.Occupied(r.name)
	}
	if o.Joined != nil {
		o.Joined(c, r.name)
	}
	if c.user != "" {
		if r.users == nil {
			r.users = make(map[string]int)
		}
		if r.users[c.user]++; r.users[c.user] == 1 {
			r.tellPresence(g, "joined", c.user)
		}
	}
	return true
}

// leave takes c out of a room, and reports whether it was there.
func (g *Gateway) leave(c *Client, name string) bool {
	r := c.joined([]byte(name))
	return r != nil && r.remove(g, c)
}

// leaveAll takes c, which has ended, out of all rooms.
func (g *Gateway) leaveAll(c *Client) {
	for _, r := range c.end() {
		r.remove(g, c)
	}
}

// remove ends the membership of c, and reports whether there was one.
func (r *room) remove(g *Gateway, c *Client) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !c.noteLeft(r) {
		return false
	}
	c.conn.Leave(r.name)
	c.conn.Leave(r.watch)
	o := g.observer()
	if o.Left != nil {
		o.Left(c, r.name)
	}
	if c.user != "" {
		if r.users[c.user]--; r.users[c.user] == 0 {
			delete(r.users, c.user)
			r.tellPresence(g, "left", c.user)
		}
	}
	if r.conns.Add(-1) == 0 {
		if o.Vacated != nil {
			o.Vacated(r.name)
		}
		g.rooms.remove(r)
	}
	return true
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
