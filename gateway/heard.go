package gateway

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/molva-ws/molva/gateway/api"
)

// The labels of commands and of what became of them. What is none of them counts as "other".
var (
	commandLabels = []string{"send", "online", "conns", "rooms", "users", "disconnect", "join", "leave", "stats",
		"ping", "reload", "other"}
	resultLabels = []api.ErrorCode{"ok", api.ErrBadJSON, api.ErrBadCommand, api.ErrBadField, api.ErrTooLarge,
		api.ErrKeyReused, api.ErrBusy, api.ErrInternal, api.ErrBadConfig, "other"}
)

// heard counts what came through the doors.
type heard struct {
	// commands by door, command and result
	commands [doors][12][10]atomic.Uint64

	socketConns   atomic.Int64
	socketRefused atomic.Uint64

	userSpared atomic.Uint64

	setup     sync.Once
	durations *prometheus.HistogramVec
}

// command counts a command, by its name or "" for send, and "" for a result that was good.
func (h *heard) command(from door, name string, result api.ErrorCode) {
	if name == "" {
		name = "send"
	}
	if result == "" {
		result = "ok"
	}
	h.commands[from][labelIndex(commandLabels, name)][labelIndex(resultLabels, result)].Add(1)
}

// labelIndex returns the index of the last label, "other", for what is none.
func labelIndex[S ~string](labels []S, s S) int {
	if i := slices.Index(labels, s); i >= 0 {
		return i
	}
	return len(labels) - 1
}

// request counts a request to the HTTP API.
func (h *heard) request(path string, took time.Duration) {
	h.histogram().WithLabelValues(path).Observe(took.Seconds())
}

func (h *heard) histogram() *prometheus.HistogramVec {
	h.setup.Do(func() {
		h.durations = prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "molva_api_request_duration_seconds",
			Help:    "How long requests to the HTTP API took, by the path below /api/.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 5, 30},
		}, []string{"path"})
	})
	return h.durations
}
