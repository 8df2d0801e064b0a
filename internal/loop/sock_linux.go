package loop

import (
	"net"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A sock is one connection on an event loop. There are many of them, and most are idle: nothing is kept here that
// can be found out or borrowed when it is needed.
type sock struct {
	loop    *eventLoop
	handler Handler // belongs to the callback that runs, else to the loop

	// These belong to the loop.

	token   token // zero until the loop watches the descriptor
	due     tick  // when the wheel is to give the connection back; zero if it is not on it
	ready   bool  // there may be bytes to read
	hungUp  bool  // reading goes on until the end of the stream or an error
	again   bool  // is in the loop's list of those to read from
	ended   bool  // the peer has closed its side
	parting parting
	bulk    uint8 // how many reads more may bring much at once; see readBuffer
	dialing bool  // see connect_linux.go
	slow    uint8 // how many callbacks more are kept off the loop, because one has blocked

	// These are guarded by mu. Only the loop changes away and full, and so may read them without.

	away     bool // a callback runs outside the loop
	full     bool // the socket takes no more for now
	state    state
	attended bool // the loop is in a callback and will look after the connection right after
	returned comeback
	mailed   bool // is in the loop's mailbox, or was taken out and not looked at yet
	writing  bool // somebody writes to fd
	gate     gate
	mu       sync.Mutex
	fd       int32
	queue    queue
	timer    tick // when Handler.Timer is due; zero for never
	arrived  tick // when bytes last arrived
	straits  *straits

	wheel wheelLinks // belong to the loop
	mail  *sock      // the next one in the mailbox
	peer  endpoint
}

// state is how far the end of a connection has come. It only grows.
type state uint8

const (
	open      state = iota
	finishing       // takes no more messages; what is queued is being sent
	agreed          // likewise, and the peer has said that it will send nothing more
	aborted         // the descriptor is to be closed
	detached        // the descriptor belongs to somebody else
	closed          // Handler.Closed has been called
)

// parting is how far Finish has come. It only grows.
type parting uint8

const (
	staying parting = iota
	bounded         // guard is when Finish gives up a peer that does not read
	shut            // the peer was told that nothing more will come
)

// comeback says whether the callback outside the loop has returned.
type comeback uint8

const (
	notReturned comeback = iota
	returnedLate
	returnedQuickly
)

func (c *sock) config() *Config { return &c.loop.group.cfg.Config }

// unlock releases mu; tell says that something has changed that the loop must look at. A loop that will look anyway is
// not told again.
func (c *sock) unlock(tell bool) {
	if !tell || c.attended || c.mailed || c.fd < 0 {
		c.mu.Unlock()
		return
	}
	c.mailed = true
	c.mu.Unlock()
	c.loop.post(c)
}

func (c *sock) isOpen() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state == open
}

// Idle implements [Conn].
func (c *sock) Idle() time.Duration {
	c.mu.Lock()
	arrived := c.arrived
	c.mu.Unlock()
	return time.Duration(c.loop.tickNow()-arrived) * tickLength
}

// SetTimer implements [Conn].
func (c *sock) SetTimer(d time.Duration) {
	var due tick
	if d > 0 {
		due = c.loop.after(d)
	}
	c.mu.Lock()
	c.timer = due
	if due == 0 {
		c.mu.Unlock()
		return
	}
	c.unlock(true)
}

// SetHandler implements [Conn].
func (c *sock) SetHandler(h Handler) { c.handler = h }

// LocalAddr implements [Conn]. Once the socket is closed the address is unspecified.
func (c *sock) LocalAddr() net.Addr {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fd >= 0 {
		if sa, err := unix.Getsockname(int(c.fd)); err == nil {
			return addrOf(sa)
		}
	}
	return endpoint{family: c.peer.family}.addr()
}

// RemoteAddr implements [Conn]. It goes on working once the socket is closed.
func (c *sock) RemoteAddr() net.Addr { return c.peer.addr() }
