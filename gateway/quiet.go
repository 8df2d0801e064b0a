package gateway

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/molva-ws/molva/internal/ratelimit"
)

// quietLog logs what clients cause, but never so much that one of them could fill a disk.
type quietLog struct {
	log *slog.Logger

	mu      sync.Mutex
	used    ratelimit.Bucket
	dropped int
}

// quietRate is how many lines may come.
var quietRate = ratelimit.PerSecond(1, 20)

// say logs a line, or counts it for the next one that may come.
func (q *quietLog) say(level slog.Level, text string, args ...any) {
	if !q.log.Enabled(context.Background(), level) {
		return
	}
	q.mu.Lock()
	now := time.Now().UnixNano()
	if q.used.Wait(quietRate, now) > 0 {
		q.dropped++
		q.mu.Unlock()
		return
	}
	q.used.Take(quietRate, now, 1)
	dropped := q.dropped
	q.dropped = 0
	q.mu.Unlock()
	if dropped > 0 {
		args = append(args, "lines_left_out", dropped)
	}
	q.log.Log(context.Background(), level, text, args...)
}

func (g *Gateway) logsDebug() bool { return g.log.Enabled(context.Background(), slog.LevelDebug) }
