package molva

import (
	"sync"

	"github.com/molva-ws/molva/internal/loop"
)

// Join adds the connection to a room, which comes to be with its first member and goes with its last. It returns
// [ErrNoServer], or [ErrClosed] if the connection has ended.
func (c *Conn) Join(room string) error {
	s := c.server()
	if s == nil {
		return ErrNoServer
	}
	if !s.hub.join(c, room) {
		return ErrClosed
	}
	return nil
}

// Leave takes the connection out of a room. Leaving a room that it is not in does nothing. A connection leaves all
// rooms when it ends.
func (c *Conn) Leave(room string) {
	if s := c.server(); s != nil {
		s.hub.part(c, room)
	}
}

// Publish sends a message to everyone in a room but this connection, which need not be in it. It returns how many
// connections took the message. See Server.Publish.
func (c *Conn) Publish(room string, m Message) (int, error) {
	s := c.server()
	if s == nil {
		return 0, ErrNoServer
	}
	return s.publish(m, Delivery{Except: c}, loop.Subject{}, func(to []*Conn) []*Conn { return s.hub.rooms[room].appendTo(to) })
}

// Publish sends a message to everyone in a room. It is encoded, and compressed, once, however many receive it; nobody
// waits for a slow one. It returns how many connections took the message, which says that it was queued there, not
// that it has arrived. The error is [ErrType].
func (s *Server) Publish(room string, m Message) (int, error) {
	return s.publish(m, Delivery{}, loop.Subject{}, func(to []*Conn) []*Conn { return s.hub.rooms[room].appendTo(to) })
}

// SendUser sends a message to all connections of a user. See Server.Publish.
func (s *Server) SendUser(user string, m Message) (int, error) {
	return s.publish(m, Delivery{}, loop.Subject{}, func(to []*Conn) []*Conn { return s.hub.users[user].appendTo(to) })
}

// Broadcast sends a message to all connections. See Server.Publish.
func (s *Server) Broadcast(m Message) (int, error) {
	return s.publish(m, Delivery{}, loop.Subject{}, s.hub.all.appendTo)
}

// Members returns the connections in a room, in no particular order.
func (s *Server) Members(room string) []*Conn {
	return s.hub.list(func(to []*Conn) []*Conn { return s.hub.rooms[room].appendTo(to) })
}

// Conns returns all connections, in no particular order.
func (s *Server) Conns() []*Conn {
	return s.hub.list(s.hub.all.appendTo)
}

// ConnsOf returns the connections of a user, in no particular order.
func (s *Server) ConnsOf(user string) []*Conn {
	return s.hub.list(func(to []*Conn) []*Conn { return s.hub.users[user].appendTo(to) })
}

var prepareds = sync.Pool{New: func() any { return new(Prepared) }}

// publish sends m to the connections that pick appends, as d says.
func (s *Server) publish(m Message, d Delivery, subject loop.Subject, pick func([]*Conn) []*Conn) (int, error) {
	p := prepareds.Get().(*Prepared)
	p.slow, p.subject = d.Slow, subject
	if err := p.init(m); err != nil {
		return 0, err
	}
	members := s.hub.snapshot(pick)
	reached := 0
	for _, c := range *members {
		if c != d.Except && c.SendPrepared(p) == nil {
			reached++
		}
	}
	freeSnapshot(members)
	p.release()
	prepareds.Put(p)
	return reached, nil
}
