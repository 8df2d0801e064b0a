package main

import "time"

// What one user may say: a message a second, and five at once after some silence.
const (
	floodBurst    = 5
	floodInterval = time.Second
)

// flood is a token bucket that limits one user. It is full to begin with; a token comes back every floodInterval.
type flood struct {
	empty time.Time // when the bucket would be, or was, empty if it only filled since
}

// take uses up one token. If there is none it returns how long until there is.
func (f *flood) take(now time.Time) (wait time.Duration) {
	if full := now.Add(-floodBurst * floodInterval); f.empty.Before(full) {
		f.empty = full
	}
	next := f.empty.Add(floodInterval)
	if next.After(now) {
		return next.Sub(now)
	}
	f.empty = next
	return 0
}
