// Package ratelimit allows so many events a second, with a burst. The state of a limit is one word for each of those
// who are limited, and nothing runs while they rest.
package ratelimit

import (
	"math"
	"time"
)

// Limit is a number of events a second, and how many may come at once after a rest. The zero Limit allows everything.
// It holds no state and may be shared.
type Limit struct {
	interval float64 // nanoseconds for which an event is paid
	depth    int64   // the burst, in the same coin
}

// longest bounds every time in here, so that no sum overflows.
const longest = math.MaxInt64 / 4

// PerSecond returns the limit of rate events a second. burst is how many may come at once, at least one; zero means
// what may come in a second. A rate that is not positive is no limit.
func PerSecond(rate float64, burst int64) Limit {
	if !(rate > 0) {
		return Limit{}
	}
	if burst <= 0 {
		burst = int64(min(max(rate, 1), longest))
	}
	interval := min(float64(time.Second)/rate, longest)
	if interval > 1000 {
		interval = math.Ceil(interval) // whole nanoseconds make the sums exact, and the burst to the event
	}
	return Limit{interval: interval, depth: int64(min(math.Ceil(float64(burst)*interval), longest))}
}

// IsZero reports whether l allows everything.
func (l Limit) IsZero() bool { return l.interval == 0 }

// cost returns the time for which n events are paid.
func (l Limit) cost(n int64) int64 { return int64(min(math.Ceil(float64(n)*l.interval), longest)) }

// Bucket is how much of a limit one who is limited has used up: the time, in nanoseconds of a clock of the caller's
// choice, at which the whole burst is there again. A new bucket is full if it is set to the time of its making.
type Bucket int64

// Wait returns how long to wait until the next event is allowed; 0 if it is allowed now.
func (b Bucket) Wait(l Limit, now int64) time.Duration {
	if l.IsZero() {
		return 0
	}
	return time.Duration(max(0, int64(b)-now+l.cost(1)-l.depth))
}

// Take pays for n events. It may take more than is left; what is owed then, Wait waits for.
func (b *Bucket) Take(l Limit, now, n int64) {
	*b = Bucket(min(max(int64(*b), now)+l.cost(n), now+longest))
}

// Full reports whether the whole burst is there: the bucket is as good as a new one.
func (b Bucket) Full(now int64) bool { return int64(b) <= now }
