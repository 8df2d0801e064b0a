package molva

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/molva-ws/molva/internal/admission"
	"github.com/molva-ws/molva/internal/loop"
	"github.com/molva-ws/molva/wire"
)

// Conn is one WebSocket connection. Its messages arrive in one of two ways: on a connection of a [Server] through the
// server's callbacks, on one from [Accept] or [Dial] through [Conn.Read], [Conn.Messages] or [Conn.Reader]. All other
// methods work on both. Every method may be called from any goroutine, at any time.
//
// There are many of them, and most are idle: what only some need, or only at times, is behind a pointer.
type Conn struct {
	transport loop.Conn
	set       *settings
	pull      *pull         // nil on a connection with callbacks
	decoder   *wire.Decoder // see takeDecoder
	extra     *extra        // nil on a connection that has none of it
	role      wire.Role
	entered   bool           // is one of the server's connections; see server
	pass      admission.Pass // to leave the server's door with; changes under the hub's lock
	place     uint32         // in the list of all connections, from 1; 0 for none. It belongs to the hub, under its lock

	// order is held by those who send what must not be passed by others, or change what may be sent next. Nothing in
	// it blocks.
	order     sync.Mutex
	streaming *streaming // nil unless a Writer is open; under order

	closing atomic.Pointer[CloseError] // set when a close frame was sent, or nothing more can be
	pinged  atomic.Int64               // when the keepalive's ping was sent, see clock; 0 for never

	mu    sync.Mutex
	about *about // see known
	later *later // see turns
}

// extra is what a connection has from its beginning if that was agreed on or configured.
type extra struct {
	throttle *throttle      // nil unless the peer's rate is limited
	deflater *wire.Deflater // nil unless compression was agreed
	window   uint8          // of the deflater, as a base-2 logarithm
	takeover bool           // the deflater keeps context
}

// about is what is known of the one at the other end. It is under the connection's mu.
type about struct {
	user        string
	value       any
	subprotocol string
	client      *netip.Addr         // as a proxy says; nil if it is the peer's
	rooms       map[string]struct{} // belongs to the hub, under its lock
}

// later is what comes with time. It is under the connection's mu.
type later struct {
	ended *CloseError   // how the connection ended
	done  chan struct{} // closed with ended set; made when somebody asks for it
	pings *pings
}

// server returns the server whose rooms and users the connection has a part in, nil if there is none.
func (c *Conn) server() *Server {
	if !c.entered {
		return nil
	}
	return c.set.server
}

// known returns what is known of the other end, to be changed. The lock is held.
func (c *Conn) known() *about {
	if c.about == nil {
		c.about = new(about)
	}
	return c.about
}

// knows returns a copy of what is known of the other end.
func (c *Conn) knows() about {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.about == nil {
		return about{}
	}
	return *c.about
}

// turns returns what has come with time, to be changed. The lock is held.
func (c *Conn) turns() *later {
	if c.later == nil {
		c.later = new(later)
	}
	return c.later
}

// epoch is what clock counts from.
var epoch = time.Now()

// clock returns a monotonic time in a word. It is never 0.
func clock() int64 { return int64(time.Since(epoch)) + 1 }

// Subprotocol returns the subprotocol that was agreed on, or "".
func (c *Conn) Subprotocol() string { return c.knows().subprotocol }

// RemoteAddr returns the address of the peer, which may be a proxy; see ClientAddr.
func (c *Conn) RemoteAddr() net.Addr { return c.transport.RemoteAddr() }

// LocalAddr returns the address of this end.
func (c *Conn) LocalAddr() net.Addr { return c.transport.LocalAddr() }

// NetConn returns the connection underneath, to look at its properties or to set socket options. Reading from it,
// writing to it or closing it breaks the protocol. It is nil where an event loop holds the socket.
func (c *Conn) NetConn() net.Conn {
	if s, ok := c.transport.(*loop.Stream); ok {
		return s.NetConn()
	}
	return nil
}

// User returns the name of the user, given by Server.OnUpgrade or SetUser, or "".
func (c *Conn) User() string { return c.knows().user }

// SetUser names the user. From now on Server.SendUser reaches this connection by that name; "" is no name.
func (c *Conn) SetUser(user string) {
	s := c.server()
	if s == nil {
		c.noteUser(user)
		return
	}
	s.hub.rename(c, user)
}

func (c *Conn) noteUser(user string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known().user = user
}

// Value returns what SetValue, or Server.OnUpgrade, attached to the connection.
func (c *Conn) Value() any { return c.knows().value }

// SetValue attaches something of the application's to the connection.
func (c *Conn) SetValue(v any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known().value = v
}

// Done returns a channel that is closed when the connection has ended.
func (c *Conn) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.turns()
	if l.done == nil {
		l.done = make(chan struct{})
		if l.ended != nil {
			close(l.done)
		}
	}
	return l.done
}

// Err returns how the connection ended, as a [*CloseError]; nil while it is open.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.later == nil || c.later.ended == nil {
		return nil
	}
	return c.later.ended
}
