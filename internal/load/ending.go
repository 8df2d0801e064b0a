package load

import (
	"context"
	"errors"
	"time"
)

// hurry is how long what is under way is waited for when somebody has interrupted the run.
const hurry = time.Second

// ended makes of why a wait ended whether the run goes on to its end.
func (r *run) ended(err error) error {
	switch {
	case errors.Is(err, errInterrupted):
		r.result.Interrupted = true
		return nil
	case errors.Is(err, errFaulty):
		return nil
	}
	return err
}

// drain waits for what is under way, as pending counts it, and then notes what has not come.
func (r *run) drain(ctx context.Context, pending func() bool) error {
	err := r.awaitLast(ctx, pending)
	if err == nil {
		r.reckon()
	}
	return err
}

// awaitLast waits for what is under way for as long as some comes; not for long in all once ctx has ended.
func (r *run) awaitLast(ctx context.Context, pending func() bool) error {
	r.enter("waiting for the last messages")
	end, ticker, interrupted := time.NewTimer(r.cfg.Patience), time.NewTicker(2*time.Millisecond), ctx.Done()
	defer end.Stop()
	defer ticker.Stop()
	for last := r.fleet.received(); pending(); {
		select {
		case <-ticker.C:
			if n := r.fleet.received(); n != last && ctx.Err() == nil {
				last = n
				end.Reset(r.cfg.Patience)
			}
		case <-interrupted:
			r.result.Interrupted, interrupted = true, nil
			end.Reset(min(hurry, r.cfg.Patience))
		case <-end.C:
			return nil
		case <-r.fleet.broken:
			return r.fleet.err
		}
		if time.Since(r.reported) >= reportEvery {
			r.report()
		}
	}
	return nil
}

// reckon notes what has not come, of which only gaps say something where the run was interrupted.
func (r *run) reckon() {
	if r.result.Interrupted {
		r.fleet.each((*conn).reckonGaps)
		return
	}
	r.fleet.each((*conn).reckon)
}

// farewell returns how long the closing handshakes may take.
func (r *run) farewell(ctx context.Context) time.Duration {
	if ctx.Err() != nil {
		return hurry / 2
	}
	return 2 * time.Second
}
