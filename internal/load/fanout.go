package load

import (
	"context"
	"sync/atomic"
	"time"
)

// fanout has one connection publish, with a number of messages under way, and every other receive. A message is done
// when the last has it; its latency for each receiver runs from its publishing. Whether the publisher hears itself is
// the server's choice.
type fanout struct {
	fleet     *fleet
	publisher *conn
	receivers uint32
	stamps    []atomic.Int64  // when message s was published
	reached   []atomic.Uint32 // receivers that have message s
	done      atomic.Uint32   // messages that all receivers have
	going     atomic.Bool
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
		s.latency.Record(s.now - time.Duration(m.stamps[at].Load()))
		if m.reached[at].Add(1) == m.receivers {
			finished++
		}
	}
	m.done.Add(uint32(finished))
	if finished > 0 && m.going.Load() {
		m.publish(finished, s)
	}
}

// publish publishes n messages. held is the shard whose lock the caller has. Locking the publisher's beside it is safe:
// nobody who has that one locks another.
func (m *fanout) publish(n int, held *shard) {
	p := m.publisher
	if p.shard != held {
		p.shard.mu.Lock()
		defer p.shard.mu.Unlock()
		p.shard.now = m.fleet.now()
	}
	if p.state != live {
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
	m.going.Store(true)
	m.publish(m.fleet.cfg.Inflight, nil)
	err := r.measure(ctx)
	m.going.Store(false)
	if err != nil {
		return err
	}
	return r.drain(func() bool { return m.done.Load() != m.fleet.published.Load() || m.publisherWaits() })
}

// publisherWaits reports whether the publisher has yet to hear something of itself. One that has heard nothing until
// all others have everything is not to hear itself.
func (m *fanout) publisherWaits() bool {
	p := m.publisher
	p.shard.mu.Lock()
	defer p.shard.mu.Unlock()
	if p.next == 0 {
		p.forgive()
	}
	return p.ahead() > 0
}
