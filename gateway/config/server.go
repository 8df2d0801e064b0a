package config

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/identity"
	"github.com/molva-ws/molva/gateway/rules"
)

// Server is a gateway with all that its settings ask for: who finds out who a client is, and the rules for rooms.
type Server struct {
	Gateway *gateway.Gateway

	own      Own
	identity *identity.Chain // nil if clients are believed
	rules    *rules.Set      // nil if there are none

	mu      sync.Mutex
	running *Settings
}

// Own is what a server has that nobody has set.
type Own struct {
	Key    string         // for the HTTP API if there is no other
	Hosts  []string       // names that requests may have in Host where only this machine may connect
	Level  *slog.LevelVar // of the logger; it follows the settings
	Logger *slog.Logger
}

// NewServer makes a server. The listeners, TLS and the start are the caller's.
func (s *Settings) NewServer(own Own) (*Server, error) {
	r := &Server{own: own, running: s, Gateway: s.gateway(own.Logger)}
	if s.Auth.On() {
		who, err := identity.New(s.identity(own.Logger))
		if err != nil {
			return nil, err
		}
		r.identity = who
		r.Gateway.Identify, r.Gateway.Renew = who.Identify, who.Renew
		r.Gateway.Collectors = append(r.Gateway.Collectors, who.Collector())
	}
	if s.rulesOn() {
		set, err := rules.New(s.rules(), rules.Sources{Granted: identity.Granted})
		if err != nil {
			return nil, err
		}
		r.rules = set
		r.Gateway.Rules = set.Rules()
	}
	p := s.policy(own)
	r.Gateway.Keys, r.Gateway.Hosts = p.Keys, p.Hosts
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
	if r.identity != nil {
		if err := r.identity.Reload(adopted.identity(r.own.Logger)); err != nil {
			return nil, err
		}
	}
	// What follows was found good when it was loaded, and cannot fail as files can.
	if r.rules != nil {
		if err := r.rules.Replace(adopted.rules()); err != nil {
			return nil, errors.Join(err, r.identityBack())
		}
	}
	if err := r.Gateway.SetPolicy(adopted.policy(r.own)); err != nil {
		return nil, errors.Join(err, r.identityBack(), r.rulesBack())
	}
	r.own.Level.Set(adopted.Log.Level)
	r.running = adopted
	return changes, nil
}

func (r *Server) identityBack() error {
	if r.identity == nil {
		return nil
	}
	return r.identity.Reload(r.running.identity(r.own.Logger))
}

func (r *Server) rulesBack() error {
	if r.rules == nil {
		return nil
	}
	return r.rules.Replace(r.running.rules())
}

// Shutdown shuts the gateway down, and what belongs to it. See [gateway.Gateway.Shutdown].
func (r *Server) Shutdown(ctx context.Context) error {
	err := r.Gateway.Shutdown(ctx)
	if r.identity != nil {
		r.identity.Close()
	}
	return err
}
