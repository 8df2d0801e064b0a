package gateway

import (
	"strconv"
	"sync"
	"time"

	"github.com/molva-ws/molva"
)

// Client is one connection of a client. Its methods may be called from any goroutine. There are as many as there are
// connections, so it is small.
type Client struct {
	gateway *Gateway
	conn    *molva.Conn // nil until the connection is open
	user    string
	value   any
	number  uint64 // of the connection, by age
	since   int64  // in milliseconds

	// These belong to the connection's callbacks.
	lastAck int64
	paces   paces
	badJSON uint8

	mu     sync.Mutex   // may be locked under a room's
	rooms  []membership // changes under the room's mu, too
	ended  bool         // joins nothing any more
	expiry *time.Timer  // nil if nothing expires
}

// Expiring is a value, left in Upgrade.Value by Gateway.Identify, that says how long it is good for. The connection is
// closed with 4401 then, unless Gateway.Renew or Client.ExpireAt says another time before.
type Expiring interface {
	// Expires returns that time. It is called once, as the connection opens; the zero time is never.
	Expires() time.Time
}

// Renewing is an [Expiring] value that can find out anew whether the client may stay, when its time is over.
type Renewing interface {
	Expiring
	// Again returns how long it is good for from now on; the zero time is for ever. It may take its time. An error closes
	// the connection: a [*molva.Refusal] with the code that says what its status says, any other with 4401.
	Again(c *Client) (expires time.Time, err error)
}

// ID returns the id of the connection, as hello and the command conns tell it.
func (c *Client) ID() string {
	return string(strconv.AppendUint([]byte("c"+c.gateway.prefix+"-"), c.number, 36))
}

// User returns the user's name; "" is none.
func (c *Client) User() string { return c.user }

// Value returns what Gateway.Identify has left in Upgrade.Value.
func (c *Client) Value() any { return c.value }

// Conn returns the connection.
func (c *Client) Conn() *molva.Conn { return c.conn }

// Rooms returns the rooms that the connection has joined, in the order in which it did.
func (c *Client) Rooms() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	names := make([]string, len(c.rooms))
	for i := range c.rooms {
		names[i] = c.rooms[i].room.name
	}
	return names
}

// ExpireAt closes the connection with 4401 at that time, in place of what was said before; the zero time is never.
func (c *Client) ExpireAt(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopTimer()
	if !at.IsZero() && c.conn.Err() == nil {
		c.expiry = time.AfterFunc(time.Until(at), c.expired)
	}
}

// stopExpiry is called when the connection has ended.
func (c *Client) stopExpiry() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopTimer()
}

func (c *Client) stopTimer() {
	if c.expiry != nil {
		c.expiry.Stop()
		c.expiry = nil
	}
}
