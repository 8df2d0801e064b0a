package load

import (
	"context"
	"math"
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
	plan   *schedule       // nil without a rate
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
	if own.plan != nil {
		for i := range uint32(n) {
			s.latency.Record(s.now - own.plan.dueTime(c.slot, first+i))
		}
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
	return r.drain(func() bool { return e.fleet.outstanding() > 0 })
}

// start has the messages sent. stop sends no new ones, and returns how many were due.
func (e *echo) start() (stop func() (unsent uint64), err error) {
	e.prepare()
	if e.fleet.cfg.Rate > 0 {
		return e.startRate()
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

// A schedule says when the messages of a shard are due: so many at each tick, on its connections in turn.
type schedule struct {
	began   time.Duration
	every   time.Duration
	perTick float64
	conns   uint64
	cursor  uint64 // messages that have become due
	stopped bool
}

// shortestTick bounds what ticking costs: a percent or two of a processor.
const shortestTick = 250 * time.Microsecond

func newSchedule(began time.Duration, rate float64, conns int) *schedule {
	every := max(time.Duration(float64(time.Second)/rate), shortestTick)
	return &schedule{began: began, every: every, perTick: rate * every.Seconds(), conns: uint64(conns)}
}

// dueTime returns when the message of that number is due on the connection in that slot.
func (p *schedule) dueTime(slot, sequence uint32) time.Duration {
	g := uint64(sequence)*p.conns + uint64(slot)
	return p.began + time.Duration(math.Ceil(float64(g+1)/p.perTick))*p.every
}

// due returns how many messages are due.
func (p *schedule) due(now time.Duration) uint64 {
	return uint64(float64((now-p.began)/p.every) * p.perTick)
}

func (e *echo) startRate() (stop func() uint64, err error) {
	var stops []func()
	for i, s := range e.fleet.shards {
		rate := e.fleet.cfg.Rate * float64(len(s.conns)) / float64(len(e.fleet.conns))
		plan := newSchedule(e.fleet.now(), rate, len(s.conns))
		s.mu.Lock()
		e.shards[i].plan = plan
		s.mu.Unlock()
		stopTick, err := e.fleet.network.tick(s, plan.every, func() { e.tick(s, plan) })
		if err != nil {
			return nil, err
		}
		stops = append(stops, stopTick)
	}
	return func() (unsent uint64) {
		for i, s := range e.fleet.shards {
			s.mu.Lock()
			e.shards[i].plan.stopped = true
			for _, c := range s.conns {
				unsent += uint64(c.due - c.granted)
			}
			s.mu.Unlock()
			stops[i]()
		}
		return unsent
	}, nil
}

// tick sends what has become due.
func (e *echo) tick(s *shard, plan *schedule) {
	for due := plan.due(s.now); plan.cursor < due && !plan.stopped; plan.cursor++ {
		c := s.conns[plan.cursor%plan.conns]
		c.due++
		e.sendDue(c)
	}
}

// sendDue sends what is due on a connection, as far as there is room among what is under way.
func (e *echo) sendDue(c *conn) {
	n := min(int(c.due-c.granted), e.fleet.cfg.Inflight-c.outstanding())
	if n > 0 && !e.of(c).plan.stopped {
		e.send(c, n)
	}
}
