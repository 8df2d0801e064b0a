package gateway

import (
	"time"

	"github.com/molva-ws/molva/gateway/api"
)

// Stats returns what was counted. It asks each connection what is queued, some 10 ms for 100,000.
func (g *Gateway) Stats() api.Stats {
	g.init()
	s := g.counted()
	stats := api.Stats{
		Rooms:       g.rooms.count(),
		MessagesIn:  s.MessagesIn,
		MessagesOut: s.MessagesOut,
		BytesIn:     s.BytesIn,
		BytesOut:    s.BytesOut,
		Commands:    g.commands.Load(),
		Refused:     api.RefusedStats(s.Refused),
		Slow:        api.SlowStats(s.Slow),
		Queued:      g.WebSocket.Queued(),
		Uptime:      int64(time.Since(g.started) / time.Second),
	}
	stats.Conns, stats.Users = g.conns.count()
	return stats
}

func (all *rooms) count() int {
	all.mu.RLock()
	defer all.mu.RUnlock()
	return len(all.byName)
}
