package loop

import (
	"math"
	"time"
)

// An instant is a point in time in a third of the space of a [time.Time]. Zero is never.
type instant int64

// epoch is what instants count from.
var epoch = time.Now()

func now() instant { return instant(time.Since(epoch)) }

// after returns the instant d later, or the last there is.
func (t instant) after(d time.Duration) instant {
	if later := t + instant(d); later > t || d <= 0 {
		return later
	}
	return math.MaxInt64
}

func (t instant) sub(u instant) time.Duration { return time.Duration(t - u) }

// passed reports whether t is set and not after now.
func (t instant) passed(now instant) bool { return t != 0 && t <= now }

// sooner returns the earlier of two instants of which either may be never.
func (t instant) sooner(u instant) instant {
	if t == 0 || u != 0 && u < t {
		return u
	}
	return t
}

// time returns t as the deadline of a socket.
func (t instant) time() time.Time {
	if t == 0 {
		return time.Time{}
	}
	return epoch.Add(time.Duration(t))
}
