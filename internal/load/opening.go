package load

import (
	"context"
	"errors"
	"time"

	"github.com/molva-ws/molva/internal/loop"
)

// open opens all connections.
func (f *fleet) open(ctx context.Context) error {
	began := time.Now()
	for i := range f.conns {
		if err := f.admit(ctx, f.dueToOpen(began, i)); err != nil {
			return err
		}
		if err := f.start(&f.conns[i]); err != nil {
			return err
		}
	}
	for range cap(f.opening) { // nothing is under way once all places are taken
		if err := f.admit(ctx, time.Time{}); err != nil {
			return err
		}
	}
	for range cap(f.opening) {
		f.settled()
	}
	return nil
}

// dueToOpen returns when connection i may be opened.
func (f *fleet) dueToOpen(began time.Time, i int) time.Time {
	if f.cfg.Ramp == 0 {
		return began
	}
	return began.Add(time.Duration(float64(i) / f.cfg.Ramp * float64(time.Second)))
}

// admit waits for a place among those that are opening, and until the given time.
func (f *fleet) admit(ctx context.Context, due time.Time) error {
	if wait := time.Until(due); wait > 0 {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return errInterrupted
		case <-f.broken:
			return f.err
		}
	}
	select {
	case f.opening <- struct{}{}:
		select {
		case <-f.broken:
			f.settled()
			return f.err
		default:
			return nil
		}
	case <-ctx.Done():
		return errInterrupted
	case <-f.broken:
		return f.err
	}
}

// settled gives a place back.
func (f *fleet) settled() { <-f.opening }

// start begins to open c, which is away.
func (f *fleet) start(c *conn) error {
	if err := f.network.connect(c); err != nil {
		f.settled()
		return advise(err, f)
	}
	return nil
}

// begin is called by the network before anything else happens to the connection.
func (c *conn) begin(sock loop.Conn) {
	c.shard.mu.Lock()
	c.sock, c.state = sock, connecting
	c.shard.mu.Unlock()
	sock.SetTimer(c.shard.fleet.cfg.Patience)
}

// closed is called when a connection has lost its socket.
func (f *fleet) closed(c *conn, was state, err error) {
	if was == connecting || was == shaking || was == joining || was == failed {
		switch {
		case f.parting.Load():
		case f.redial != nil && isTransient(err):
			f.retries.Add(1)
			time.AfterFunc(retryAfter, func() { f.comeBack(c) })
		default:
			f.fail(advise(err, f))
		}
		f.settled()
		return
	}
	f.live.Add(-1)
	meant := f.pattern.gone(c, err) || f.parting.Load() || was == leaving || errors.Is(err, errWanted) ||
		errors.Is(err, errBroken)
	if !meant {
		c.fault(Disconnected, c.next, "%v, messages under way: %d", err, c.outstanding())
	}
	c.forgive()
	if f.redial != nil && !f.parting.Load() {
		f.comeBack(c)
	}
}

// comeBack has c opened again. There is room for every connection.
func (f *fleet) comeBack(c *conn) { f.redial <- c }
