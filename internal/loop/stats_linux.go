package loop

import "sync/atomic"

// loopCounts is what one loop has done. The loop counts in plain numbers and publishes them once a turn, so that
// nothing is locked per message and no two loops write to the same cache line.
type loopCounts struct {
	turns, handovers, dispatched, accepted, refused, in, out, messages uint64

	_         [64]byte
	published struct {
		turns, handovers, dispatched, accepted, refused, in, out, messages atomic.Uint64
	}
	_ [64]byte
}

func (c *loopCounts) publish() {
	c.turns++
	p := &c.published
	set(&p.turns, c.turns)
	set(&p.handovers, c.handovers)
	set(&p.dispatched, c.dispatched)
	set(&p.accepted, c.accepted)
	set(&p.refused, c.refused)
	set(&p.in, c.in)
	set(&p.out, c.out)
	set(&p.messages, c.messages)
}

// set stores n; a store costs much more than a load.
func set(a *atomic.Uint64, n uint64) {
	if a.Load() != n {
		a.Store(n)
	}
}

func (c *loopCounts) addTo(s *GroupStats) {
	p := &c.published
	s.Turns += p.turns.Load()
	s.Handovers += p.handovers.Load()
	s.Dispatched += p.dispatched.Load()
	s.Accepted += p.accepted.Load()
	s.AcceptErrors += p.refused.Load()
	s.BytesIn += p.in.Load()
	s.BytesOut += p.out.Load()
	s.Messages += p.messages.Load()
}

// directCounts is what was written without the loop.
type directCounts struct {
	out, messages atomic.Uint64
}

// note counts a message of which n bytes were written.
func (d *directCounts) note(n int, p Priority) {
	d.out.Add(uint64(n))
	if p.counts() {
		d.messages.Add(1)
	}
}

func (d *directCounts) addTo(s *GroupStats) {
	s.BytesOut += d.out.Load()
	s.Messages += d.messages.Load()
}
