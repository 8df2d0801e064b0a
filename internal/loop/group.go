package loop

import (
	"errors"
	"log/slog"
	"time"
)

// ErrShutdown ends the connections that are still open when their [Group] is closed, and is returned by the methods of
// a group that takes no more.
var ErrShutdown = errors.New("event loops are shut down")

// A GroupConfig says how a [Group] works. The zero value is ready for use.
type GroupConfig struct {
	Config
	// Loops is the number of event loops. Zero means GOMAXPROCS.
	Loops int
	// Blocked is how long a callback may keep its loop before another goroutine takes the loop over; the takeover
	// comes within twice that time. Zero means 1 ms.
	Blocked time.Duration
	// Log is told of trouble that no connection can be blamed for, once a second at most. Nil means [slog.Default].
	Log *slog.Logger
}

const defaultBlocked = time.Millisecond

func (c *GroupConfig) blocked() time.Duration {
	if c.Blocked > 0 {
		return c.Blocked
	}
	return defaultBlocked
}

func (c *GroupConfig) log() *slog.Logger {
	if c.Log != nil {
		return c.Log
	}
	return slog.Default()
}

// GroupStats counts what a [Group] has done since it was made. BytesIn and BytesOut are those of the sockets; all
// numbers lag behind by at most one turn of each loop.
type GroupStats struct {
	Connections  int64  // now open, those whose Closed has not returned included
	Accepted     uint64 // taken from listeners
	AcceptErrors uint64 // times that accepting had to pause for want of descriptors or memory
	Turns        uint64 // of all loops
	Handovers    uint64 // loops taken over because a callback blocked
	Dispatched   uint64 // callbacks given a goroutine of their own because those before them had blocked
	BytesIn      uint64
	BytesOut     uint64
	Messages     uint64 // taken for sending, those that were sent through or are urgent not counted
}
