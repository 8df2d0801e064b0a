package molva

import (
	"slices"
	"sync"
)

// hub knows the connections of a server, by room and by user.
type hub struct {
	mu    sync.RWMutex
	all   []*Conn // each at its place, see Conn
	rooms map[string]*set
	users map[string]*set
}

// set is some of the connections, kept so that it can be copied quickly.
type set struct {
	members []*Conn
	index   map[*Conn]int
}

func (s *set) add(c *Conn) {
	if _, ok := s.index[c]; ok {
		return
	}
	if s.index == nil {
		s.index = make(map[*Conn]int)
	}
	s.index[c] = len(s.members)
	s.members = append(s.members, c)
}

func (s *set) remove(c *Conn) {
	i, ok := s.index[c]
	if !ok {
		return
	}
	last := len(s.members) - 1
	s.members[i] = s.members[last]
	s.index[s.members[i]] = i
	s.members[last] = nil
	s.members = s.members[:last]
	delete(s.index, c)
}

// conns returns the members, of which there are none in a set that is nil.
func (s *set) conns() []*Conn {
	if s == nil {
		return nil
	}
	return s.members
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
	h.all = append(h.all, c)
	c.place = len(h.all)
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
	last := len(h.all)
	moved := h.all[last-1]
	h.all[c.place-1], moved.place = moved, c.place
	h.all[last-1] = nil
	h.all, c.place = h.all[:last-1], 0
	if user := c.User(); user != "" {
		removeFrom(h.users, user, c)
	}
	for name := range c.rooms {
		removeFrom(h.rooms, name, c)
	}
	c.rooms = nil
}

func (h *hub) rename(c *Conn, user string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	old := c.User()
	c.mu.Lock()
	c.info.user = user
	c.mu.Unlock()
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
	if c.rooms == nil {
		c.rooms = make(map[string]struct{})
	}
	c.rooms[name] = struct{}{}
	return true
}

func (h *hub) part(c *Conn, name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	removeFrom(h.rooms, name, c)
	delete(c.rooms, name)
}

// snapshots lends slices for the members of a set while a message is sent to them, without the lock.
var snapshots = sync.Pool{New: func() any { return new([]*Conn) }}

// snapshot returns a copy of the set that pick returns under the lock; freeSnapshot takes it back.
func (h *hub) snapshot(pick func() []*Conn) *[]*Conn {
	members := snapshots.Get().(*[]*Conn)
	h.mu.RLock()
	defer h.mu.RUnlock()
	*members = append(*members, pick()...)
	return members
}

func freeSnapshot(members *[]*Conn) {
	clear(*members)
	*members = (*members)[:0]
	snapshots.Put(members)
}

// list returns the members of a set to keep.
func (h *hub) list(pick func() []*Conn) []*Conn {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return slices.Clone(pick())
}
