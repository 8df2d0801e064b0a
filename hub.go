package molva

import (
	"slices"
	"sync"
)

// hub knows the connections of a server, by room and by user.
type hub struct {
	mu    sync.RWMutex
	all   roster
	rooms map[string]*set
	users map[string]*set
}

// set is some of the connections, kept so that it can be copied quickly.
type set struct {
	members []*Conn
	index   map[*Conn]int // where they are among the members; nil while those are few
}

// fewMembers is how many members are found quickly without an index. Most users have one connection.
const fewMembers = 16

// find returns where c is among the members, or -1.
func (s *set) find(c *Conn) int {
	if s.index == nil {
		return slices.Index(s.members, c)
	}
	if i, ok := s.index[c]; ok {
		return i
	}
	return -1
}

func (s *set) add(c *Conn) {
	if s.find(c) >= 0 {
		return
	}
	s.members = append(s.members, c)
	switch n := len(s.members); {
	case s.index != nil:
		s.index[c] = n - 1
	case n > fewMembers:
		s.index = make(map[*Conn]int)
		for i, member := range s.members {
			s.index[member] = i
		}
	}
}

func (s *set) remove(c *Conn) {
	i := s.find(c)
	if i < 0 {
		return
	}
	last := len(s.members) - 1
	moved := s.members[last]
	s.members[i], s.members[last] = moved, nil
	s.members = s.members[:last]
	if s.index != nil {
		s.index[moved] = i
		delete(s.index, c)
	}
}

// appendTo appends the members to conns. A set that is nil has none.
func (s *set) appendTo(conns []*Conn) []*Conn {
	if s == nil {
		return conns
	}
	return append(conns, s.members...)
}

// addTo puts c into the named set, making it if needed.
func addTo(sets *map[string]*set, name string, c *Conn) {
	if *sets == nil {
		*sets = make(map[string]*set)
	}
	s := (*sets)[name]
	if s == nil {
		s = new(set)
		(*sets)[name] = s
	}
	s.add(c)
}

// removeFrom takes c out of the named set, and the set away with its last member.
func removeFrom(sets map[string]*set, name string, c *Conn) {
	s := sets[name]
	if s == nil {
		return
	}
	if s.remove(c); len(s.members) == 0 {
		delete(sets, name)
	}
}

// enter adds a connection, under its user's name if it has one.
func (h *hub) enter(c *Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all.add(c)
	if user := c.User(); user != "" {
		addTo(&h.users, user, c)
	}
}

// leave takes a connection out of everything.
func (h *hub) leave(c *Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.place == 0 {
		return
	}
	h.all.remove(c)
	about := c.knows()
	if about.user != "" {
		removeFrom(h.users, about.user, c)
	}
	for name := range about.rooms {
		removeFrom(h.rooms, name, c)
	}
	if about.rooms != nil {
		c.keepRooms(nil)
	}
}

// whileIn calls f unless c has left, which it does not meanwhile. f must not call the hub.
func (h *hub) whileIn(c *Conn, f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.place != 0 {
		f()
	}
}

func (h *hub) rename(c *Conn, user string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	old := c.User()
	c.noteUser(user)
	if c.place == 0 || old == user {
		return
	}
	if old != "" {
		removeFrom(h.users, old, c)
	}
	if user != "" {
		addTo(&h.users, user, c)
	}
}

// join adds c to a room unless c has left the hub already.
func (h *hub) join(c *Conn, name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.place == 0 {
		return false
	}
	addTo(&h.rooms, name, c)
	rooms := c.knows().rooms
	if rooms == nil {
		rooms = make(map[string]struct{})
		c.keepRooms(rooms)
	}
	rooms[name] = struct{}{}
	return true
}

func (c *Conn) keepRooms(rooms map[string]struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known().rooms = rooms
}

func (h *hub) part(c *Conn, name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	removeFrom(h.rooms, name, c)
	delete(c.knows().rooms, name)
}

// snapshots lends slices for the members of a set while a message is sent to them, without the lock.
var snapshots = sync.Pool{New: func() any { return new([]*Conn) }}

// snapshot returns a copy of what pick appends under the lock; freeSnapshot takes it back.
func (h *hub) snapshot(pick func([]*Conn) []*Conn) *[]*Conn {
	members := snapshots.Get().(*[]*Conn)
	h.mu.RLock()
	defer h.mu.RUnlock()
	*members = pick(*members)
	return members
}

func freeSnapshot(members *[]*Conn) {
	clear(*members)
	*members = (*members)[:0]
	snapshots.Put(members)
}

// list returns what pick appends, to keep.
func (h *hub) list(pick func([]*Conn) []*Conn) []*Conn {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return pick(nil)
}
