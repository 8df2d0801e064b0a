package gateway

import "slices"

// membership is a connection's place in a room.
type membership struct {
	room     *room
	presence bool // is told of it
	put      bool // by the application, which asks no rules
}

// joined returns the room of a name if the connection has joined it, else nil.
func (c *Client) joined(name []byte) *room {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.rooms {
		if c.rooms[i].room.name == string(name) {
			return c.rooms[i].room
		}
	}
	return nil
}

// count returns how many rooms the connection has joined.
func (c *Client) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.rooms)
}

// at returns where the membership of r is, or -1. c is locked.
func (c *Client) at(r *room) int {
	return slices.IndexFunc(c.rooms, func(m membership) bool { return m.room == r })
}

func (c *Client) isIn(r *room) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at(r) >= 0
}

// noteJoined reports false if the connection has ended. r is locked, as in noteLeft and setPresence.
func (c *Client) noteJoined(r *room) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.rooms = append(c.rooms, membership{room: r})
	}
	return !c.ended
}

// noteLeft reports whether there was anything to leave.
func (c *Client) noteLeft(r *room) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.at(r)
	if i >= 0 {
		c.rooms = slices.Delete(c.rooms, i, i+1)
	}
	return i >= 0
}

// notePut is called when the application wants the connection to be in a room. r is locked.
func (c *Client) notePut(r *room) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := c.at(r); i >= 0 {
		c.rooms[i].put = true
	}
}

// joinedByItself returns the rooms that the client has joined, and in which the application has not put it.
func (c *Client) joinedByItself() []*room {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []*room
	for i := range c.rooms {
		if !c.rooms[i].put {
			all = append(all, c.rooms[i].room)
		}
	}
	return all
}

// setPresence reports whether that changes anything.
func (c *Client) setPresence(r *room, presence bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.at(r)
	if i < 0 || c.rooms[i].presence == presence {
		return false
	}
	c.rooms[i].presence = presence
	return true
}

// end keeps the connection from joining anything more, and returns the rooms that are to be left.
func (c *Client) end() []*room {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	left := make([]*room, len(c.rooms))
	for i := range c.rooms {
		left[i] = c.rooms[i].room
	}
	return left
}

// Meets reports whether a user is in one of those rooms that the connection has joined and that in says true to.
func (c *Client) Meets(user string, in func(room string) bool) bool {
	for i := 0; ; i++ {
		r := c.roomAt(i)
		if r == nil {
			return false
		}
		if in(r.name) && r.has(user) {
			return true
		}
	}
}

// roomAt returns one of the rooms after the other, nil behind the last.
func (c *Client) roomAt(i int) *room {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i >= len(c.rooms) {
		return nil
	}
	return c.rooms[i].room
}

// has reports whether a user is in the room.
func (r *room) has(user string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.users[user] > 0
}
