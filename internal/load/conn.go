package load

import (
	"fmt"
	"slices"

	"github.com/molva-ws/molva/internal/loop"
)

// A conn is one of the connections to the server, again and again if it is lost and comes back: the numbers of its
// messages go on. What is to be sent and what has to come back follow from a message's number, so it holds no buffer.
// Everything here is guarded by the shard's lock.
type conn struct {
	shard   *shard
	sock    loop.Conn
	partial *partial // what has arrived of a frame or message that is not whole; nil mostly
	gaps    *gaps    // messages that were passed over; nil mostly
	soaking *soaking // what only a soak keeps
	id      uint32
	slot    uint32 // its place in the shard
	hears   uint32 // whose messages come in: its own of an echo server
	granted uint32 // how many messages it was told to send
	next    uint32 // the number of the message that has to come
	due     uint32 // messages that should have left by now; for a given rate
	life    uint32 // how often it was opened
	state   state
}

type state uint8

const (
	away       state = iota // has no socket
	connecting              // has one that is on its way
	shaking                 // the request is sent, the response has not come
	joining                 // WebSocket is spoken, and a room is being joined
	live
	leaving // we have sent a close frame
	lost    // the socket is being closed
	failed  // it is being closed before it was live
)

// Data implements [loop.Handler].
func (c *conn) Data(p []byte) {
	s := c.shard
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.fleet.now()
	if c.state == connecting {
		c.connected()
	}
	if c.state == shaking && len(p) > 0 {
		p = c.shake(p)
	}
	first := c.next
	for len(p) > 0 && c.state >= joining && !c.over() {
		p = c.take(p)
	}
	if n := c.next - first; n > 0 {
		s.passed += uint64(n)
		s.received += uint64(n)
		s.fleet.pattern.arrived(c, first, int(n))
	}
}

// Timer implements [loop.Handler].
func (c *conn) Timer() {
	c.shard.mu.Lock()
	defer c.shard.mu.Unlock()
	switch c.state {
	case connecting, shaking:
		c.end(errOpenLate)
	case joining:
		c.end(errNotMolva)
	case leaving:
		c.end(errWanted)
	}
}

// Closed implements [loop.Handler].
func (c *conn) Closed(err error) {
	s := c.shard
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.fleet.now()
	was := c.state
	c.state, c.sock = away, nil
	c.partial.free()
	c.partial = nil
	s.fleet.closed(c, was, err)
}

// send has the next n messages sent.
func (c *conn) send(n int) {
	s, f := c.shard, c.shard.fleet.format
	c.granted += uint32(n)
	s.sent += uint64(n)
	first := c.granted - uint32(n)
	if s.fleet.cfg.Compress || s.fleet.rooms != nil {
		c.sendSingly(first, n)
		return
	}
	for n > 0 {
		k := min(n, len(s.batch)/len(f.request))
		batch := s.batch[:k*len(f.request)]
		f.stamp(batch, c.id, first)
		c.sock.Send(loop.Head{}, batch, loop.Urgent)
		first += uint32(k)
		n -= k
	}
}

// outstanding returns how many messages are under way.
func (c *conn) outstanding() int { return int(c.ahead()) }

// forgive gives up the messages that are under way, as those of a connection that we ended ourselves.
func (c *conn) forgive() {
	n := c.ahead()
	c.shard.passed += uint64(n)
	c.next += n
}

// fault notes what the server did wrong to a message.
func (c *conn) fault(kind FaultKind, message uint32, format string, args ...any) {
	c.shard.fleet.faults.add(Fault{kind, c.id, message, fmt.Sprintf(format, args...)})
}

// end cuts the connection.
func (c *conn) end(err error) {
	if c.state == away || c.over() {
		return
	}
	switch c.state {
	case joining:
		c.state = failed
	case live, leaving:
		c.state = lost
	}
	c.sock.Abort(err)
}

// over reports whether nothing counts any more that comes.
func (c *conn) over() bool { return c.state == lost || c.state == failed }

// gaps are the numbers of messages that others came in place of.
type gaps struct{ missing []uint32 }

// mostGaps bounds how many gaps of a connection are kept; who leaves more out is told of these.
const mostGaps = 1 << 16

// order says what the message of that number means for the order, distance being how far it is from the one that has
// to come. The payload has been checked before.
func (c *conn) order(sequence uint32, distance int32) {
	switch {
	case distance == 0:
		c.next++
	case distance > 0 && uint32(distance) < c.ahead():
		c.shard.fleet.faults.suspect()
		if c.gaps == nil {
			c.gaps = new(gaps)
		}
		for ; c.next != sequence; c.next++ {
			if len(c.gaps.missing) < mostGaps {
				c.gaps.missing = append(c.gaps.missing, c.next)
			}
		}
		c.next++
	case distance >= 0:
		c.fault(Unasked, sequence, "message %d was to come next", c.next)
	default:
		c.late(sequence)
	}
}

// late is a message that comes after one of a higher number.
func (c *conn) late(sequence uint32) {
	if c.gaps != nil {
		if i := slices.Index(c.gaps.missing, sequence); i >= 0 {
			c.gaps.missing = slices.Delete(c.gaps.missing, i, i+1)
			c.fault(OutOfOrder, sequence, "came when message %d was to come", c.next)
			return
		}
	}
	c.fault(Doubled, sequence, "came again when message %d was to come", c.next)
}

// ahead returns how many messages there are that may come.
func (c *conn) ahead() uint32 {
	if c.hears != c.id {
		return c.shard.fleet.published.Load() - c.next
	}
	return c.granted - c.next
}

// reckonGaps notes the messages that have not come though later ones have. It is called at the end.
func (c *conn) reckonGaps() {
	if c.gaps == nil {
		return
	}
	for _, sequence := range c.gaps.missing {
		c.fault(Missing, sequence, "later ones have come")
	}
	c.gaps = nil
}

// reckon notes all messages that have not come. It is called at the end.
func (c *conn) reckon() {
	c.reckonGaps()
	for ; c.ahead() > 0; c.next++ {
		c.fault(Missing, c.next, "did not come within %v", c.shard.fleet.cfg.Patience)
	}
}
