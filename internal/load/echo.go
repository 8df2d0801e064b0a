package load

import (
	"context"
	"time"
)

// echo keeps a number of messages under way on each connection or, for a given rate, sends them when they are due.
type echo struct {
	fleet  *fleet
	shards []echoing
}

// echoing is what a shard keeps, guarded by its lock.
type echoing struct {
	stamps []time.Duration // when message s of a connection left, at its slot × inflight + s mod inflight
	going  bool            // a message that comes back is followed by a new one
}

func newEcho(f *fleet) *echo {
	f.sendAll(newFormat(f.cfg.Kind, f.cfg.Size, f.cfg.Raw))
	return &echo{fleet: f, shards: make([]echoing, len(f.shards))}
}

func (e *echo) shapeOf(uint32, uint32) shape { return e.fleet.format.shape }

func (e *echo) opened(*conn) {}

func (e *echo) gone(*conn, error) bool { return false }

// of returns what is kept for the connection's shard.
func (e *echo) of(c *conn) *echoing { return &e.shards[c.shard.index] }

func (e *echo) arrived(c *conn, first uint32, n int) {
	s, own := c.shard, e.of(c)
	if s.plan != nil {
		s.recordDue(c, first, n)
		e.record(&s.uncorrected, c, first, n)
		e.sendDue(c)
		return
	}
	e.record(&s.latency, c, first, n)
	if own.going {
		e.send(c, n)
	}
}

// record counts how long ago messages were sent.
func (e *echo) record(h *Histogram, c *conn, first uint32, n int) {
	inflight := e.fleet.cfg.Inflight
	stamps := e.of(c).stamps[int(c.slot)*inflight:][:inflight]
	at := int(first % uint32(inflight))
	for range n {
		h.Record(c.shard.now - stamps[at])
		if at++; at == inflight {
			at = 0
		}
	}
}

// send sends n more messages and notes when.
func (e *echo) send(c *conn, n int) {
	if c.state != live {
		return
	}
	inflight := e.fleet.cfg.Inflight
	stamps := e.of(c).stamps[int(c.slot)*inflight:][:inflight]
	at := int(c.granted % uint32(inflight))
	for range n {
		stamps[at] = c.shard.now
		if at++; at == inflight {
			at = 0
		}
	}
	c.send(n)
}

// prepare makes room for the stamps.
func (e *echo) prepare() {
	for i, s := range e.fleet.shards {
		e.shards[i].stamps = make([]time.Duration, len(s.conns)*e.fleet.cfg.Inflight)
	}
}

func (e *echo) run(ctx context.Context, r *run) error {
	stop, err := e.start()
	if err != nil {
		return err
	}
	err = r.measure(ctx)
	r.result.Unsent = stop()
	if err != nil {
		return err
	}
	return r.drain(ctx, func() bool { return e.fleet.outstanding() > 0 })
}

// start has the messages sent. stop sends no new ones, and returns how many were due.
func (e *echo) start() (stop func() (unsent uint64), err error) {
	e.prepare()
	if e.fleet.cfg.Rate > 0 {
		return e.fleet.keepRate(e.sendDue)
	}
	for i, s := range e.fleet.shards {
		s.mu.Lock()
		e.shards[i].going = true
		s.mu.Unlock()
	}
	e.fleet.each(func(c *conn) { e.send(c, e.fleet.cfg.Inflight) })
	return func() uint64 {
		for i, s := range e.fleet.shards {
			s.mu.Lock()
			e.shards[i].going = false
			s.mu.Unlock()
		}
		return 0
	}, nil
}

// sendDue sends what is due on a connection, as far as there is room among what is under way.
func (e *echo) sendDue(c *conn) {
	n := min(int(c.due-c.granted), e.fleet.cfg.Inflight-c.outstanding())
	if n > 0 && !c.shard.plan.stopped {
		e.send(c, n)
	}
}
