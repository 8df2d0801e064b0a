package molva

import (
	"context"
	"time"
)

// pace spreads events evenly over time, from the first one on. One that comes late does not delay those after it.
type pace struct {
	perSecond int // no limit unless positive
	begun     time.Time
	events    int
}

// wait returns when the next event is due, or with the context's error when that is done before.
func (p *pace) wait(ctx context.Context) error {
	if p.perSecond <= 0 {
		return nil
	}
	if p.events == 0 {
		p.begun = time.Now()
	}
	due := p.begun.Add(time.Duration(p.events) * time.Second / time.Duration(p.perSecond))
	p.events++
	early := time.Until(due)
	if early <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(early)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
