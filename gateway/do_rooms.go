package gateway

import "github.com/molva-ws/molva/gateway/api"

// doJoin puts connections into a room. Rules are not asked: it is the application that wants it.
func (g *Gateway) doJoin(c *api.Command) (*api.Answer, *commandError) {
	meant, err := g.meant(c)
	if err != nil {
		return nil, err
	}
	joined := 0
	for _, one := range meant {
		if g.put(one, c.Room) {
			joined++
		}
	}
	return &api.Answer{Joined: &joined}, nil
}

// doLeave takes connections out of a room.
func (g *Gateway) doLeave(c *api.Command) (*api.Answer, *commandError) {
	meant, err := g.meant(c)
	if err != nil {
		return nil, err
	}
	left := 0
	for _, one := range meant {
		if g.leave(one, c.Room) {
			left++
		}
	}
	return &api.Answer{Left: &left}, nil
}

// meant returns the connections that join or leave is about.
func (g *Gateway) meant(c *api.Command) ([]*Client, *commandError) {
	switch {
	case c.Room == "":
		return nil, wrongField("room is missing")
	case isReserved(c.Room):
		return nil, wrongField("names that begin with $ are reserved")
	case (c.User == "") == (c.Conn == ""):
		return nil, wrongField("one of user and conn is needed")
	case c.Conn != "":
		if one := g.client(c.Conn); one != nil {
			return []*Client{one}, nil
		}
		return nil, nil
	}
	var all []*Client
	for _, conn := range g.WebSocket.ConnsOf(c.User) {
		// One that is not in the roster yet was not announced to the observer.
		if one := g.conns.conn(conn.Value().(*Client).number); one != nil {
			all = append(all, one)
		}
	}
	return all, nil
}

// put makes a connection a member of a room, and reports whether it is one now. It is not told of presence unless it
// asks for it.
func (g *Gateway) put(c *Client, name string) bool {
	if c.joined([]byte(name)) == nil && c.count() >= g.limits().Rooms {
		return false
	}
	r := g.rooms.locked(name)
	defer r.mu.Unlock()
	if !r.add(g, c) {
		return false
	}
	c.notePut(r)
	return true
}
