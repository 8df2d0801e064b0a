package molva

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/molva-ws/molva/internal/loop"
	"github.com/molva-ws/molva/wire"
)

// Conn is one WebSocket connection. Its messages arrive in one of two ways: on a connection of a [Server] through the
// server's callbacks, on one from [Accept] or [Dial] through [Conn.Read], [Conn.Messages] or [Conn.Reader]. All other
// methods work on both. Every method may be called from any goroutine, at any time.
type Conn struct {
	transport loop.Conn
	set       *settings
	server    *Server // nil unless it has rooms and users
	pull      *pull   // nil on a connection with callbacks
	decoder   wire.Decoder
	deflater  *wire.Deflater // nil unless compression was agreed
	throttle  *throttle      // nil unless the peer's rate is limited
	role      wire.Role
	window    uint8 // of the deflater, as a base-2 logarithm
	takeover  bool  // the deflater keeps context

	// order keeps messages apart: those who send one share it, those who change what may be sent next, or how, have
	// it alone. Nothing in it blocks.
	order     sync.RWMutex
	streaming *streaming // nil unless a Writer is open

	closing atomic.Pointer[CloseError] // set when a close frame was sent, or nothing more can be
	pinged  atomic.Int64               // when the keepalive's ping was sent, see clock; 0 for never

	mu    sync.Mutex
	ended *CloseError   // how the connection ended
	done  chan struct{} // closed with ended set; made when somebody asks for it
	pings *pings
	info  info

	// These belong to the hub, under its lock.
	rooms map[string]struct{}
	place int // in the list of all connections, from 1; 0 for none
}

// info is what is known of the one at the other end.
type info struct {
	user        string
	value       any
	subprotocol string
	client      *netip.Addr // as a proxy says; nil if it is the peer's
}

// epoch is what clock counts from.
var epoch = time.Now()

// clock returns a monotonic time in a word. It is never 0.
func clock() int64 { return int64(time.Since(epoch)) + 1 }

// Subprotocol returns the subprotocol that was agreed on, or "".
func (c *Conn) Subprotocol() string { return c.info.subprotocol }

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
func (c *Conn) User() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.info.user
}

// SetUser names the user. From now on Server.SendUser reaches this connection by that name; "" is no name.
func (c *Conn) SetUser(user string) {
	if c.server == nil {
		c.mu.Lock()
		c.info.user = user
		c.mu.Unlock()
		return
	}
	c.server.hub.rename(c, user)
}

// Value returns what SetValue, or Server.OnUpgrade, attached to the connection.
func (c *Conn) Value() any {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.info.value
}

// SetValue attaches something of the application's to the connection.
func (c *Conn) SetValue(v any) {
	c.mu.Lock()
	c.info.value = v
	c.mu.Unlock()
}

// Done returns a channel that is closed when the connection has ended.
func (c *Conn) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		if c.ended != nil {
			close(c.done)
		}
	}
	return c.done
}

// Err returns how the connection ended, as a [*CloseError]; nil while it is open.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended == nil {
		return nil
	}
	return c.ended
}
