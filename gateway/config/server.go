package config

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/console"
	"github.com/molva-ws/molva/gateway/hooks"
	"github.com/molva-ws/molva/gateway/identity"
	"github.com/molva-ws/molva/gateway/rules"
)

// Server is a gateway with all that its settings ask for: who finds out who a client is, the rules for rooms, and what
// the application is told.
type Server struct {
	Gateway *gateway.Gateway

	own Own

	mu      sync.Mutex
	running *Settings
	rules   *rules.Set // nil until there are rules

	identity atomic.Pointer[identity.Chain] // nil until clients have to say who they are
	hooks    atomic.Pointer[hooks.Hooks]    // nil until the application is told or asked something
}

// Own is what a server has that nobody has set.
type Own struct {
	Key    string         // for the HTTP API if there is no other
	Hosts  []string       // names that requests may have in Host where only this machine may connect
	Hints  console.Hints  // for the page where only this machine may connect
	Listen []net.Addr     // where it serves the web
	Level  *slog.LevelVar // of the logger; it follows the settings
	Logger *slog.Logger
}

// NewServer makes a server, which is to be shut down in the end. The listeners, TLS and the start are the caller's.
func (s *Settings) NewServer(own Own) (*Server, error) {
	r := &Server{own: own, running: s}
	if err := r.prepare(s); err != nil {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		return nil, errors.Join(err, r.endHooks(ended))
	}
	r.Gateway = s.gateway(r.policy(s), own.Logger)
	r.Gateway.Collectors = []prometheus.Collector{collector{r}}
	return r, nil
}

// Running returns the settings that the server runs with.
func (r *Server) Running() *Settings {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running
}

// Apply takes over what takes effect at once, and returns all that has changed. After an error nothing has. It may be
// called from any goroutine.
func (r *Server) Apply(next *Settings) ([]Change, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	changes := next.Changes(r.running)
	adopted := next.adopt(r.running)
	if err := r.checkReach(adopted); err != nil {
		return nil, err
	}
	err := r.prepare(adopted)
	if err == nil {
		err = r.Gateway.SetPolicy(r.policy(adopted))
	}
	if err != nil {
		return nil, errors.Join(err, r.prepare(r.running))
	}
	r.own.Level.Set(adopted.Log.Level)
	r.running = adopted
	return changes, nil
}

// checkReach keeps others from coming in as anyone where the server listens, which it will until it ends.
func (r *Server) checkReach(s *Settings) error {
	for _, addr := range r.own.Listen {
		if tcp, ok := addr.(*net.TCPAddr); ok {
			if err := s.CheckReach("the running server at "+addr.String(), tcp); err != nil {
				return err
			}
		}
	}
	return nil
}

// Shutdown shuts the gateway down, and what belongs to it. See [gateway.Gateway.Shutdown].
func (r *Server) Shutdown(ctx context.Context) error {
	err := errors.Join(r.Gateway.Shutdown(ctx), r.endHooks(ctx))
	if who := r.identity.Load(); who != nil {
		who.Close()
	}
	return err
}

// endHooks sends what is left to tell.
func (r *Server) endHooks(ctx context.Context) error {
	h := r.hooks.Load()
	if h == nil {
		return nil
	}
	return h.Shutdown(ctx)
}
