package loop

import (
	"math/bits"
	"time"
)

// tickLength is the precision of timers: they are late by at most so much.
const tickLength = 20 * time.Millisecond

// wheelSlots times tickLength is one round of the wheel, 41 seconds: few timers have to wait for a second round.
const wheelSlots = 2048

// A tick is a point in a loop's time, counted in tickLength from the loop's start. It wraps around after years, so
// ticks are compared by before only. Zero stands for never.
type tick uint32

func (t tick) before(u tick) bool { return int32(t-u) < 0 }

// after returns the tick at which d will have passed for certain.
func (t tick) after(d time.Duration) tick {
	const furthest = 1<<31 - 1<<20 // a year and a third; the loop's own clock may be behind by six hours
	ticks := d/tickLength + 1
	if d%tickLength > 0 {
		ticks++
	}
	ticks = min(ticks, furthest)
	return max(t+tick(ticks), 1)
}

// sooner returns the earlier of two ticks of which either may be never.
func sooner(t, u tick) tick {
	if t == 0 || u != 0 && u.before(t) {
		return u
	}
	return t
}

// A wheel holds the connections of one loop that wait for a point in time, in the slot of that tick. A slot is a
// list through the connections themselves, so that nothing is allocated.
type wheel struct {
	slots  [wheelSlots]*sock
	filled [wheelSlots / 64]uint64 // a bit for every slot that is not empty
	now    tick                    // everything before it has expired
	cursor *sock                   // where the search in the slot of now goes on
	within bool                    // whether that search has begun
}

// wheelLinks is what a wheel keeps in a connection, beside its due tick.
type wheelLinks struct {
	next, prev *sock
}

// schedule puts c on the wheel to expire at t, or leaves it where it is if that is sooner: whoever is told of an
// expiry looks whether there is anything to do. It does nothing if t is never.
func (w *wheel) schedule(c *sock, t tick) {
	if t == 0 {
		return
	}
	earliest := w.now
	if w.within {
		earliest++
	}
	if t.before(earliest) {
		t = max(earliest, 1)
	}
	if c.due != 0 {
		if !t.before(c.due) {
			return
		}
		w.cancel(c)
	}
	slot := t % wheelSlots
	first := w.slots[slot]
	c.due, c.wheel = t, wheelLinks{next: first}
	if first != nil {
		first.wheel.prev = c
	}
	w.slots[slot] = c
	w.filled[slot/64] |= 1 << (slot % 64)
}

// cancel takes c off the wheel.
func (w *wheel) cancel(c *sock) {
	if c.due == 0 {
		return
	}
	if w.cursor == c {
		w.cursor = c.wheel.next
	}
	slot := c.due % wheelSlots
	if c.wheel.next != nil {
		c.wheel.next.wheel.prev = c.wheel.prev
	}
	if c.wheel.prev != nil {
		c.wheel.prev.wheel.next = c.wheel.next
	} else if w.slots[slot] = c.wheel.next; w.slots[slot] == nil {
		w.filled[slot/64] &^= 1 << (slot % 64)
	}
	c.due, c.wheel = 0, wheelLinks{}
}

// expired takes the next connection that was due at t or before off the wheel and returns it, nil if there is none.
func (w *wheel) expired(t tick) *sock {
	for !t.before(w.now) {
		if !w.within {
			w.cursor, w.within = w.slots[w.now%wheelSlots], true
		}
		for c := w.cursor; c != nil; c = w.cursor {
			w.cursor = c.wheel.next
			if !t.before(c.due) {
				w.cancel(c)
				return c
			}
		}
		w.advance(t)
	}
	return nil
}

// advance goes to the next slot that holds something, but not beyond the one after t.
func (w *wheel) advance(t tick) {
	w.within = false
	w.now++
	if next := w.now + tick(w.empty(w.now)); t.before(next) {
		w.now = t + 1
	} else {
		w.now = next
	}
}

// next returns the earliest tick at which something may expire, zero if the wheel is empty.
func (w *wheel) next() tick {
	distance := w.empty(w.now)
	if distance == wheelSlots {
		return 0
	}
	return max(w.now+tick(distance), 1)
}

// empty returns the number of empty slots from that of t on; wheelSlots says that all are.
func (w *wheel) empty(t tick) int {
	first := int(t % wheelSlots)
	word, bit := first/64, first%64
	if rest := w.filled[word] >> bit; rest != 0 {
		return bits.TrailingZeros64(rest)
	}
	for i := 1; i <= len(w.filled); i++ {
		if v := w.filled[(word+i)%len(w.filled)]; v != 0 {
			return i*64 - bit + bits.TrailingZeros64(v)
		}
	}
	return wheelSlots
}
