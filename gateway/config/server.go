package config

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/hooks"
	"github.com/molva-ws/molva/gateway/identity"
	"github.com/molva-ws/molva/gateway/rules"
)

// Server is a gateway with all that its settings ask for: who finds out who a client is, and the rules for rooms.
type Server struct {
	Gateway *gateway.Gateway

	own      Own
	identity *identity.Chain // nil if clients are believed
	rules    *rules.Set      // nil if there are none
	hooks    *hooks.Hooks    // nil if the application is told nothing

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

// NewServer makes a server, which is to be shut down in the end. The listeners, TLS and the start are the caller's.
func (s *Settings) NewServer(own Own) (*Server, error) {
	r := &Server{own: own, running: s, Gateway: s.gateway(own.Logger)}
	p := s.policy(own)
	r.Gateway.Keys, r.Gateway.Hosts = p.Keys, p.Hosts
	for _, add := range []func(*Settings) error{r.addIdentity, r.addHooks, r.addRules} {
		if err := add(s); err != nil {
			ended, cancel := context.WithCancel(context.Background())
			cancel()
			return nil, errors.Join(err, r.endHooks(ended))
		}
	}
	return r, nil
}

// addIdentity has clients say who they are.
func (r *Server) addIdentity(s *Settings) (err error) {
	if !s.Auth.On() {
		return nil
	}
	if r.identity, err = identity.New(s.identity(r.own.Logger)); err != nil {
		return err
	}
	g := r.Gateway
	g.Identify, g.Renew = r.identity.Identify, r.identity.Renew
	g.Collectors = append(g.Collectors, r.identity.Collector())
	return nil
}

// addRules has rules hold in rooms.
func (r *Server) addRules(s *Settings) (err error) {
	if !s.rulesOn() {
		return nil
	}
	sources := rules.Sources{Granted: identity.Granted}
	if s.Hooks.AskURL != "" {
		sources.AskJoin = r.hooks.AskJoin
	}
	if r.rules, err = rules.New(s.rules(), sources); err != nil {
		return err
	}
	r.Gateway.Rules = r.rules.Rules()
	return nil
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
	err := errors.Join(r.Gateway.Shutdown(ctx), r.endHooks(ctx))
	if r.identity != nil {
		r.identity.Close()
	}
	return err
}
