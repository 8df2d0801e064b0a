package load

import (
	"math"
	"time"
)

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

// keepRate has the messages of all connections become due at the rate that was asked for, and sendDue called for a
// connection, with its shard locked, when there is one more for it. stop ends that, and returns how many were due and
// have not left.
func (f *fleet) keepRate(sendDue func(*conn)) (stop func() (unsent uint64), err error) {
	var stops []func() uint64
	for _, s := range f.shards {
		stopOne, err := s.keepRate(f.cfg.Rate*float64(len(s.conns))/float64(len(f.conns)), sendDue)
		if err != nil {
			return nil, err
		}
		stops = append(stops, stopOne)
	}
	return func() (unsent uint64) {
		for _, stopOne := range stops {
			unsent += stopOne()
		}
		return unsent
	}, nil
}

func (s *shard) keepRate(rate float64, sendDue func(*conn)) (stop func() (unsent uint64), err error) {
	plan := newSchedule(s.fleet.now(), rate, len(s.conns))
	s.mu.Lock()
	s.plan = plan
	s.mu.Unlock()
	stopTick, err := s.fleet.network.tick(s, plan.every, func() { s.becomeDue(sendDue) })
	return func() uint64 {
		defer stopTick()
		s.mu.Lock()
		defer s.mu.Unlock()
		plan.stopped = true
		return s.unsent()
	}, err
}

// becomeDue has sent what has become due.
func (s *shard) becomeDue(sendDue func(*conn)) {
	plan := s.plan
	for due := plan.due(s.now); plan.cursor < due && !plan.stopped; plan.cursor++ {
		c := s.conns[plan.cursor%plan.conns]
		c.due++
		sendDue(c)
	}
}

// unsent returns how many messages are due on connections that are open.
func (s *shard) unsent() (n uint64) {
	for _, c := range s.conns {
		if c.state == live {
			n += uint64(c.due - c.granted)
		}
	}
	return n
}

// recordDue counts how long ago messages were due.
func (s *shard) recordDue(c *conn, first uint32, n int) {
	for i := range uint32(n) {
		s.latency.Record(s.now - s.plan.dueTime(c.slot, first+i))
	}
}
