package gateway

import (
	"cmp"
	"encoding/json"
	"sync"
	"time"

	"github.com/molva-ws/molva/gateway/api"
)

// feed tells the members of the room $stats once a second how the server does. It runs only while there are any.
type feed struct {
	mu      sync.Mutex
	running bool
}

const (
	feedEvery = time.Second
	topRooms  = 10
)

// feedData is what a message of the feed carries.
type feedData struct {
	api.Stats
	Rates feedRates      `json:"rates"` // in a second
	Top   []api.RoomInfo `json:"top"`   // the largest rooms
}

type feedRates struct {
	MessagesIn  float64 `json:"messages_in"`
	MessagesOut float64 `json:"messages_out"`
	Commands    float64 `json:"commands"`
}

// start is called whenever somebody joins the room.
func (f *feed) start(g *Gateway) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.running {
		f.running = true
		go f.run(g)
	}
}

// goesOn reports whether anybody is there. If not, the next one to join starts the feed again.
func (f *feed) goesOn(g *Gateway) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := g.rooms.find(statsRoom)
	f.running = r != nil && r.conns.Load() > 0 && !g.isStopping()
	return f.running
}

func (f *feed) run(g *Gateway) {
	ticker := time.NewTicker(feedEvery)
	defer ticker.Stop()
	last, lastAt := g.Stats(), time.Now()
	for {
		select {
		case <-ticker.C:
		case <-g.stopping:
		}
		if !f.goesOn(g) {
			return
		}
		stats, at := g.Stats(), time.Now()
		data, err := json.Marshal(feedData{
			Stats: stats,
			Rates: ratesOf(&last, &stats, at.Sub(lastAt)),
			Top:   g.rooms.top(topRooms),
		})
		if err == nil {
			g.publish(statsRoom, publication{data: data})
		}
		last, lastAt = stats, at
	}
}

func ratesOf(before, after *api.Stats, d time.Duration) feedRates {
	rate := func(before, after uint64) float64 {
		return float64(int64(10*float64(after-before)/d.Seconds()+0.5)) / 10
	}
	return feedRates{
		MessagesIn:  rate(before.MessagesIn, after.MessagesIn),
		MessagesOut: rate(before.MessagesOut, after.MessagesOut),
		Commands:    rate(before.Commands, after.Commands),
	}
}

// top returns the rooms with most connections, the largest first, those left out that are the gateway's own.
func (all *rooms) top(n int) []api.RoomInfo {
	type sized struct {
		*room
		size int64
	}
	s := smallest[sized]{most: n, compare: func(a, b sized) int {
		return cmp.Or(cmp.Compare(b.size, a.size), cmp.Compare(a.name, b.name))
	}}
	all.mu.RLock()
	for name, r := range all.byName {
		if !isReserved(name) {
			s.offer(sized{r, r.conns.Load()})
		}
	}
	all.mu.RUnlock()
	largest, _ := s.page()
	list := make([]api.RoomInfo, 0, len(largest))
	for _, r := range largest {
		list = append(list, r.info())
	}
	return list
}
