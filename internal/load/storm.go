package load

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// storm cuts all connections at once, and has all come back at once. Who has a message echoed is served.
type storm struct {
	fleet  *fleet
	began  atomic.Int64 // the round, in the fleet's time
	served atomic.Int64
	on     atomic.Bool
}

// retryAfter is when a connection that could not be opened tries again.
const retryAfter = 100 * time.Millisecond

func newStorm(f *fleet) *storm {
	f.sendAll(newFormat(f.cfg.Kind, f.cfg.Size, f.cfg.Raw))
	return &storm{fleet: f}
}

func (m *storm) shapeOf(uint32, uint32) shape { return m.fleet.format.shape }

func (m *storm) opened(c *conn) {
	if m.on.Load() {
		c.send(1)
	}
}

func (m *storm) arrived(c *conn, _ uint32, _ int) {
	if m.on.Load() {
		c.shard.latency.Record(c.shard.now - time.Duration(m.began.Load()))
		m.served.Add(1)
	}
}

// gone means to lose connections only by being cut.
func (m *storm) gone(*conn, error) bool { return false }

func (m *storm) run(ctx context.Context, r *run) error {
	stop := m.fleet.comeBackAlways(ctx)
	defer stop()
	m.on.Store(true)
	w, err := openWindow(r.cfg.PIDs)
	if err != nil {
		return err
	}
	all := new(Histogram)
	for i := 0; i < r.cfg.Rounds && err == nil; i++ {
		err = m.blow(ctx, r, all)
	}
	if e := w.close(r.result, uint64(all.Count())); e != nil {
		return e
	}
	r.result.Retries = m.fleet.retries.Load()
	r.result.setLatency(all, nil)
	if err := r.ended(err); err != nil || r.result.Interrupted {
		return err
	}
	r.reckon()
	return r.weighAgain()
}

// blow is one round.
func (m *storm) blow(ctx context.Context, r *run, all *Histogram) error {
	f := m.fleet
	f.restart()
	m.served.Store(0)
	m.began.Store(int64(f.now()))
	f.each(func(c *conn) { c.end(errWanted) })
	everyone := func() bool { return int(m.served.Load()) == len(f.conns) }
	err := r.wait(ctx, "coming back", r.cfg.Patience, everyone)
	h, _ := f.latency()
	all.Add(h)
	if errors.Is(err, errInterrupted) {
		return err
	}
	r.result.Rounds = append(r.result.Rounds, Round{
		Seconds:   (f.now() - time.Duration(m.began.Load())).Seconds(),
		P50Micros: micros(h.Percentile(50)),
		P99Micros: micros(h.Percentile(99)),
		MaxMicros: micros(h.Max()),
	})
	if err == nil && !everyone() {
		f.each(func(c *conn) {
			if c.state != live || c.ahead() > 0 {
				c.fault(Missing, c.next, "was not served within %v after the storm", r.cfg.Patience)
				c.forgive()
			}
		})
		return errFaulty
	}
	return err
}

// comeBackAlways has connections that are lost opened again, until stop is called.
func (f *fleet) comeBackAlways(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	for _, s := range f.shards {
		s.mu.Lock()
		defer s.mu.Unlock()
	}
	f.redial = make(chan *conn, len(f.conns))
	if f.cfg.Mode == Storm {
		f.opening = make(chan struct{}, len(f.conns))
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		began := time.Now()
		for i := 0; ; i++ {
			select {
			case c := <-f.redial:
				due := f.dueToOpen(began, i)
				if due.Before(time.Now()) { // what was not used of the rate is not made up for
					began, i = time.Now(), 0
				}
				if f.admit(ctx, due) != nil {
					return
				}
				if err := f.start(c); err != nil {
					f.fail(err)
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}
