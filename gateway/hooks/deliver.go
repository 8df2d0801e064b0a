package hooks

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"
)

// sender sends batch after batch, each when the one before was taken, so that events arrive in order.
type sender struct {
	*Hooks
	seen     *setup // the last one
	to       *setup // the last one with an address
	body     []byte
	failures int             // in a row
	since    time.Time       // the first of them
	closing  <-chan struct{} // closed with the queue; nil once that was noticed
}

// run ends when the queue is closed and empty, or with the context.
func (s *sender) run(ctx context.Context) {
	defer close(s.ended)
	for ctx.Err() == nil && !s.queue.isEmpty() {
		if s.seen = s.current.Load(); s.seen.options.URL != "" {
			s.to = s.seen
		}
		items, lost := s.queue.take(s.to.options.Batch)
		if len(items) == 0 {
			select {
			case <-s.queue.wake:
			case <-ctx.Done():
			}
			continue
		}
		s.body = appendBatch(s.body[:0], s.prefix, items, lost)
		answer, err := s.send(ctx)
		s.settle(ctx, len(items), lost, err)
		if err == nil {
			s.answered(ctx, answer)
		}
		if cap(s.body) > keepBody {
			s.body = nil
		}
	}
}

// keepBody is the size up to which the memory of a request is kept for the next one.
const keepBody = 256 << 10

// send sends what is in body, and counts. It returns the answer.
func (s *sender) send(ctx context.Context) ([]byte, error) {
	began := time.Now()
	answer, err := s.to.post(ctx, s.to.options.URL, s.body)
	s.counts.requests.Add(1)
	s.counts.took.Store(int64(time.Since(began)))
	if errors.Is(err, errLongAnswer) {
		s.badAnswer(err)
		return nil, nil // it has taken the events
	}
	if err != nil {
		s.counts.requestErrors.Add(1)
	}
	return answer, err
}

// settle decides what becomes of a batch that was sent, and waits if it is to be sent again.
func (s *sender) settle(ctx context.Context, events int, lost uint64, err error) {
	var status *statusError
	final := errors.As(err, &status) && status.isFinal()
	if err != nil && s.failures == 0 {
		s.since = time.Now()
	}
	switch {
	case err == nil:
		s.queue.settled(true, lost)
		s.failures = 0
	case ctx.Err() != nil:
		s.queue.back()
	case final, time.Since(s.since) >= s.to.options.GiveUp:
		s.log.Say(slog.LevelError, "events are lost, as the application does not take them", "events", events,
			"url", shownURL(s.to.options.URL), "error", err)
		s.queue.settled(false, 0)
		s.failures = 0
	default:
		pause := s.backoff()
		s.failures++
		s.log.Say(slog.LevelWarn, "the application does not take events; they will be sent again", "events", events,
			"url", shownURL(s.to.options.URL), "in", pause.Round(time.Millisecond).String(), "error", err)
		s.queue.back()
		s.pause(ctx, pause)
	}
}

// backoff returns how long to wait after another failure: at random from half of a time to all of it, which doubles
// from one failure to the next.
func (s *sender) backoff() time.Duration {
	wait := s.to.options.RetryFirst
	for range s.failures {
		if wait *= 2; wait >= s.to.options.RetryMost {
			wait = s.to.options.RetryMost
			break
		}
	}
	return wait/2 + rand.N(wait/2+1)
}

// pause waits. When the queue is closed meanwhile, there may not be much time left, and it returns at once; but only
// that one time. So it does when there are other options.
func (s *sender) pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.closing:
		s.closing = nil
	case <-s.seen.replaced: // what was wrong may be right now
	case <-ctx.Done():
	}
}
