package admission

import (
	"net/netip"

	"github.com/molva-ws/molva/internal/ratelimit"
)

// maxResting bounds the entries that are kept only because their rate is not forgotten yet, which is all that a flood
// of addresses can fill the table with. They take some 10 MB.
const maxResting = 1 << 16

// maxForgotten bounds how much work a single client has with the entries of others.
const maxForgotten = 4

// entry is what is known of one address.
type entry struct {
	addr       netip.Addr
	conns      int32
	visitors   int32
	handshakes ratelimit.Bucket

	older, newer *entry // while it rests
}

// table holds the entries of those who are inside, and those of others, which rest, until they could as well be new
// ones.
type table struct {
	entries map[netip.Addr]*entry
	resting entry // of the ring: its newer is the one that has rested longest
	rests   int
}

// take returns the entry of an address to be changed. settle puts it back.
func (t *table) take(addr netip.Addr, now int64) *entry {
	e := t.entries[addr]
	if e == nil {
		if t.entries == nil {
			t.entries = make(map[netip.Addr]*entry)
			t.resting.older, t.resting.newer = &t.resting, &t.resting
		}
		e = &entry{addr: addr, handshakes: ratelimit.Bucket(now)}
		t.entries[addr] = e
	}
	if e.newer != nil {
		t.wake(e)
	}
	return e
}

// settle keeps an entry for as long as it is of use, and forgets some that are not.
func (t *table) settle(e *entry, now int64) {
	switch {
	case e.conns > 0 || e.visitors > 0:
	case e.handshakes.Full(now):
		delete(t.entries, e.addr)
	default:
		t.rest(e)
	}
	for range maxForgotten {
		oldest := t.resting.newer
		if t.rests == 0 || t.rests <= maxResting && !oldest.handshakes.Full(now) {
			return
		}
		t.wake(oldest)
		delete(t.entries, oldest.addr)
	}
}

// rest puts e last in the ring.
func (t *table) rest(e *entry) {
	t.rests++
	e.older, e.newer = t.resting.older, &t.resting
	e.older.newer, e.newer.older = e, e
}

// wake takes e out of the ring.
func (t *table) wake(e *entry) {
	t.rests--
	e.older.newer, e.newer.older = e.newer, e.older
	e.older, e.newer = nil, nil
}
