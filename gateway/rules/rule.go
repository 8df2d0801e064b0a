package rules

import (
	"time"

	"github.com/molva-ws/molva"
)

// Access says to whom something is allowed.
type Access string

// What an Access can be. The zero value is Granted.
const (
	Granted Access = "granted" // to whom a token, or the application's answer at the beginning, names the room
	Anyone  Access = "anyone"
	Ask     Access = "ask" // the application is asked each time; only for joining
	Nobody  Access = "nobody"
)

// Slow says what becomes of a message to a room whose receiver is too slow for it.
type Slow string

// What a Slow can be. The zero value leaves it to the server's own policy.
const (
	SlowRefuse     Slow = "refuse"      // this message does not reach it
	SlowDropOldest Slow = "drop-oldest" // the message that has waited longest does not
	SlowLatest     Slow = "latest"      // of the messages to the room that wait, only the last about each subject does
	SlowDisconnect Slow = "disconnect"  // the connection is closed with 1008
)

// policy returns what the floor below calls it.
func (s Slow) policy() molva.SlowPolicy {
	switch s {
	case SlowRefuse:
		return molva.SlowRefuse
	case SlowDropOldest:
		return molva.SlowDropOldest
	case SlowLatest:
		return molva.SlowKeepLatest
	case SlowDisconnect:
		return molva.SlowClose
	}
	return molva.SlowDefault
}

// Rule says what clients may do in the rooms of a pattern. Without anything but Room, those may join and publish who
// were granted it, and nobody sees who is there.
type Rule struct {
	Room     string  // a [Pattern]
	Join     Access  // who may join
	Publish  Access  // who, of those who have joined, may publish; not Ask
	Direct   bool    // those who are in the room together may send each other direct messages
	Presence bool    // those who may join may see which users are there
	Message  int     // bytes in data of a message from a client; 0 is what the server allows, which is the most anyway
	Rate     float64 // messages a second from one connection; 0 is what the server allows
	Burst    int     // how many of them may come at once after a rest; 0 is what may come in a second
	Slow     Slow    // what becomes of messages for slow receivers
}

// Options are the rules of a server.
type Options struct {
	// Rules are in order: of those whose pattern stands for a room, the first decides. For a room of none, it is as if
	// there were a rule with nothing but the room.
	Rules []Rule
	// Direct says who may send direct messages to any user: Anyone, or Nobody, the default. See Rule.Direct.
	Direct Access
	// AskTimeout bounds asking the application whether a client may join; default 5 s. Who has no answer by then may not.
	AskTimeout time.Duration
	// Name is the most bytes that a room's name may have, as in gateway.Limits; default 128.
	Name int
}

const (
	defaultName       = 128
	defaultAskTimeout = 5 * time.Second
)

// withDefaults leaves the rules as they are.
func (o Options) withDefaults() Options {
	if o.AskTimeout == 0 {
		o.AskTimeout = defaultAskTimeout
	}
	if o.Name == 0 {
		o.Name = defaultName
	}
	if o.Direct == "" {
		o.Direct = Nobody
	}
	return o
}
