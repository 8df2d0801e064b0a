package load

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/molva-ws/molva/wire"
)

// fanout has one connection publish, with a number of messages under way, or when they are due by a given rate, and
// every other receive. A message is done when the last has it; its latency for each receiver runs from its publishing.
// Whether the publisher hears itself is the server's choice.
type fanout struct {
	fleet     *fleet
	publisher *conn
	receivers uint32
	stamps    []atomic.Int64  // when message s was published
	reached   []atomic.Uint32 // receivers that have message s
	done      atomic.Uint32   // messages that all receivers have
	going     atomic.Bool
	plan      *schedule // nil without a rate; set before the first message
}

func newFanout(f *fleet) *fanout {
	f.sendAll(newFormat(f.cfg.Kind, f.cfg.Size, f.cfg.Raw))
	m := &fanout{
		fleet:     f,
		publisher: &f.conns[0],
		receivers: uint32(len(f.conns) - 1),
		stamps:    make([]atomic.Int64, f.cfg.Inflight),
		reached:   make([]atomic.Uint32, f.cfg.Inflight),
	}
	for i := range f.conns {
		f.conns[i].hears = m.publisher.id
	}
	return m
}

func (m *fanout) shapeOf(uint32, uint32) shape { return m.fleet.format.shape }

func (m *fanout) opened(*conn) {}

func (m *fanout) gone(*conn, error) bool { return false }

func (m *fanout) arrived(c *conn, first uint32, n int) {
	s := c.shard
	if c == m.publisher {
		s.received -= uint64(n)
		return
	}
	finished := 0
	for i := range uint32(n) {
		at := (first + i) % uint32(len(m.stamps))
		m.record(s, first+i, time.Duration(m.stamps[at].Load()))
		if m.reached[at].Add(1) == m.receivers {
			finished++
		}
	}
	m.done.Add(uint32(finished))
	if finished > 0 && m.going.Load() {
		m.publish(finished, s)
	}
}

// record counts a receipt.
func (m *fanout) record(s *shard, sequence uint32, published time.Duration) {
	if m.plan == nil {
		s.latency.Record(s.now - published)
		return
	}
	s.latency.Record(s.now - m.plan.dueTime(0, sequence))
	s.uncorrected.Record(s.now - published)
}

// publish publishes n messages, or those that are due and have room if there is a rate. held is the shard whose lock the
// caller has. Locking the publisher's beside it is safe: nobody who has that one locks another.
func (m *fanout) publish(n int, held *shard) {
	p := m.publisher
	if p.shard != held {
		p.shard.mu.Lock()
		defer p.shard.mu.Unlock()
		p.shard.now = m.fleet.now()
	}
	if m.plan != nil {
		room := uint32(len(m.stamps)) - (p.granted - m.done.Load())
		n = int(min(p.due-p.granted, room))
	}
	if p.state != live || n == 0 {
		return
	}
	for i := range uint32(n) {
		at := (p.granted + i) % uint32(len(m.stamps))
		m.stamps[at].Store(int64(p.shard.now))
		m.reached[at].Store(0)
	}
	m.fleet.published.Add(uint32(n))
	p.send(n)
}

func (m *fanout) run(ctx context.Context, r *run) error {
	if err := m.greet(ctx, r); err != nil {
		return err
	}
	stop, err := m.start()
	if err != nil {
		return err
	}
	err = r.measure(ctx)
	r.result.Unsent = stop()
	if err != nil {
		return err
	}
	err = r.awaitLast(ctx, func() bool { return m.done.Load() != m.fleet.published.Load() || m.publisherWaits() })
	if err != nil {
		return err
	}
	m.excusePublisher()
	r.reckon()
	return nil
}

// greetTime is how long servers may take to answer the pings of greet. Who answers none may hear messages all the same.
const greetTime = 5 * time.Second

// greet waits until the server reads from every connection, which a pong tells. It may have answered the opening
// handshake before it counted the connection among those to whom it sends.
func (m *fanout) greet(ctx context.Context, r *run) error {
	f := m.fleet
	if f.cfg.Raw || f.rooms != nil {
		return nil
	}
	f.each(func(c *conn) {
		if c.state == live {
			c.sendFrame(wire.OpPing, nil)
		}
	})
	err := r.wait(ctx, "greeting", greetTime, func() bool { return f.greeted.Load() >= uint64(len(f.conns)) })
	if errors.Is(err, errInterrupted) {
		return err
	}
	return r.ended(err)
}

// start has the messages published. stop publishes no new ones, and returns how many were due.
func (m *fanout) start() (stop func() (unsent uint64), err error) {
	p, stopTick := m.publisher, func() {}
	if rate := m.fleet.cfg.Rate; rate > 0 {
		m.plan = newSchedule(m.fleet.now(), rate, 1)
		if stopTick, err = m.fleet.network.tick(p.shard, m.plan.every, m.tick); err != nil {
			return nil, err
		}
	}
	m.going.Store(true)
	if m.plan == nil {
		m.publish(m.fleet.cfg.Inflight, nil)
	}
	return func() uint64 {
		m.going.Store(false)
		stopTick()
		p.shard.mu.Lock()
		defer p.shard.mu.Unlock()
		if m.plan == nil {
			return 0
		}
		return uint64(p.due - p.granted)
	}, nil
}

// tick publishes what has become due.
func (m *fanout) tick() {
	if p := m.publisher; m.going.Load() {
		p.due = uint32(m.plan.due(p.shard.now))
		m.publish(0, p.shard)
	}
}

// publisherWaits reports whether the publisher has yet to hear something of itself.
func (m *fanout) publisherWaits() bool {
	p := m.publisher
	p.shard.mu.Lock()
	defer p.shard.mu.Unlock()
	return p.next > 0 && p.ahead() > 0
}

// excusePublisher expects nothing of a publisher that has heard nothing of itself: the server sends to others only.
func (m *fanout) excusePublisher() {
	p := m.publisher
	p.shard.mu.Lock()
	defer p.shard.mu.Unlock()
	if p.next == 0 {
		p.forgive()
	}
}
