package molva

import "github.com/molva-ws/molva/internal/loop"

// SlowPolicy says what becomes of a message for a client whose outbox is full.
type SlowPolicy uint8

const (
	// SlowDefault is SlowClose for a server, and for a [Delivery] what the server does.
	SlowDefault SlowPolicy = iota
	// SlowClose closes the connection with 1008. Send returns ErrBufferFull.
	SlowClose
	// SlowRefuse drops the new message: Send returns ErrBufferFull, and a message to many does not reach this client.
	SlowRefuse
	// SlowDropOldest drops the oldest waiting messages to make room, as far as they were sent with this policy or with
	// SlowKeepLatest.
	SlowDropOldest
	// SlowKeepLatest lets a message to a room take the place of an older one with the same [Delivery.Key] that waits in
	// the outbox, also while there is room. Otherwise it is like SlowDropOldest, and for a server it is just that.
	SlowKeepLatest
)

// or returns the policy that holds where the default is another one.
func (p SlowPolicy) or(fallback SlowPolicy) SlowPolicy {
	if p == SlowDefault {
		return fallback
	}
	return p
}

// drops reports whether messages may be dropped that were taken for sending.
func (p SlowPolicy) drops() bool { return p == SlowDropOldest || p == SlowKeepLatest }

// priority is what a message of the application is queued with.
func (p SlowPolicy) priority() loop.Priority {
	if p.drops() {
		return loop.Droppable
	}
	return loop.Normal
}

// Delivery says how a message to many reaches those who cannot take it at once, and who does not get it. The zero value
// is how [Server.Publish] does it.
type Delivery struct {
	// Slow is what becomes of the message for a client whose outbox is full. On a connection that compresses with
	// context takeover nothing can be dropped that was taken for sending: there SlowDropOldest and SlowKeepLatest are
	// SlowRefuse.
	Slow SlowPolicy
	// Key says for SlowKeepLatest what the message is about, such as the share whose price it tells; "" is the room
	// itself. Messages of other rooms do not count. The newer message takes the place of the older one, and so may come
	// before others that were sent between the two.
	Key string
	// Except does not get the message.
	Except *Conn
}

// subject is what the frames of a message to a room are about.
func (d *Delivery) subject(room string) loop.Subject {
	if d.Slow != SlowKeepLatest {
		return loop.Subject{}
	}
	return loop.Subject{Space: room, Name: d.Key}
}

// PublishWith is [Server.Publish] with a say in the delivery. It returns how many connections took the message.
func (s *Server) PublishWith(room string, m Message, d Delivery) (int, error) {
	return s.publish(m, d, d.subject(room), func(to []*Conn) []*Conn { return s.hub.rooms[room].appendTo(to) })
}
