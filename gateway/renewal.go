package gateway

import (
	"errors"
	"time"

	"github.com/molva-ws/molva"
)

// renewed is called when something else was granted to c, until expires. It has to leave the rooms that were granted and
// are not any more.
func (c *Client) renewed(expires time.Time) {
	c.ExpireAt(expires)
	stay := c.gateway.rules().Stay
	if stay == nil {
		return
	}
	for _, r := range c.joinedByItself() {
		if stay(c, r.name) != nil && r.remove(c.gateway, c) {
			c.tellLeft(r.name)
		}
	}
}

// tellLeft tells the client that it was taken out of a room.
func (c *Client) tellLeft(room string) {
	t := newText()
	defer t.free()
	t.raw(`{"type":"left","room":`)
	t.string(room)
	t.raw(`}`)
	c.say(t)
}

// soonestAgain is how long what was granted anew lasts at least, so that nobody is asked all the time.
const soonestAgain = time.Second

// expired is called when the time is over that was granted to c.
func (c *Client) expired() {
	value, ok := c.value.(Renewing)
	if !ok {
		c.conn.Close(closeUnauthorized, "the token has expired")
		return
	}
	expires, err := value.Again(c)
	var refusal *molva.Refusal
	switch soonest := time.Now().Add(soonestAgain); {
	case errors.As(err, &refusal):
		c.conn.Close(closeCodeOf(refusal.Status), refusal.Reason)
	case err != nil:
		c.conn.Close(closeUnauthorized, "the token has expired")
	case !expires.IsZero() && expires.Before(soonest):
		c.renewed(soonest)
	default:
		c.renewed(expires)
	}
}
