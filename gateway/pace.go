package gateway

import (
	"time"

	"github.com/molva-ws/molva/internal/ratelimit"
)

// paces is how much of its rates a client has used up in each room. A room in which the whole burst is there again need
// not be in it.
type paces map[string]ratelimit.Bucket

// Pace counts a message to a room, if the client has sent it no more than perSecond a second, or burst at once after a
// rest; a burst of zero is what may come in a second. It reports false if it has. A rate that is not positive is no
// limit. Only Rules may call it, for the client about which they are asked.
func (c *Client) Pace(room string, perSecond float64, burst int) bool {
	limit := ratelimit.PerSecond(perSecond, int64(burst))
	if limit.IsZero() {
		return true
	}
	now := time.Now().UnixNano()
	used, known := c.paces[room]
	if used.Wait(limit, now) > 0 || !known && !c.paces.room(c.gateway.limits().Rooms, now) {
		return false
	}
	if c.paces == nil {
		c.paces = make(paces)
	}
	used.Take(limit, now, 1)
	c.paces[room] = used
	return true
}

// room makes room for another entry, and reports whether there may be one: who joins and leaves, so that a rate is
// forgotten, must not fill the memory.
func (p paces) room(most int, now int64) bool {
	if len(p) < most {
		return true
	}
	for room, used := range p {
		if used.Full(now) {
			delete(p, room)
		}
	}
	return len(p) < most
}
