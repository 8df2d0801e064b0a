// Package quietlog logs what strangers cause, without letting them fill a disk.
package quietlog

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/molva-ws/molva/internal/ratelimit"
)

// Log passes at most 20 lines at once and one a second to its Logger. It may be used from any goroutine.
type Log struct {
	Logger *slog.Logger

	mu      sync.Mutex
	used    ratelimit.Bucket
	dropped int
}

// rate is how many lines may come.
var rate = ratelimit.PerSecond(1, 20)

// Say logs a line, or counts it for the next one that may come.
func (l *Log) Say(level slog.Level, text string, args ...any) {
	if !l.Logger.Enabled(context.Background(), level) {
		return
	}
	l.mu.Lock()
	now := time.Now().UnixNano()
	if l.used.Wait(rate, now) > 0 {
		l.dropped++
		l.mu.Unlock()
		return
	}
	l.used.Take(rate, now, 1)
	dropped := l.dropped
	l.dropped = 0
	l.mu.Unlock()
	if dropped > 0 {
		args = append(args, "lines_left_out", dropped)
	}
	l.Logger.Log(context.Background(), level, text, args...)
}
