package config

import (
	"context"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/api"
	"github.com/molva-ws/molva/gateway/hooks"
	"github.com/molva-ws/molva/gateway/identity"
	"github.com/molva-ws/molva/gateway/rules"
)

// prepare has the parts of the server do as the settings say, and makes those that are needed first. The server uses
// them once its policy says so. A part that was needed before and is not any more stays as it is, for the connections
// that have to do with it.
func (r *Server) prepare(s *Settings) error {
	for _, part := range []func(*Settings) error{r.prepareIdentity, r.prepareHooks, r.prepareRules} {
		if err := part(s); err != nil {
			return err
		}
	}
	return nil
}

// prepareIdentity has clients say who they are.
func (r *Server) prepareIdentity(s *Settings) error {
	if !s.Auth.On() {
		return nil
	}
	options := s.identity(r.own.Logger)
	if who := r.identity.Load(); who != nil {
		return who.Reload(options)
	}
	who, err := identity.New(options)
	if err == nil {
		r.identity.Store(who)
	}
	return err
}

// prepareHooks has the application told what happens, and asked.
func (r *Server) prepareHooks(s *Settings) error {
	if !s.Hooks.On() {
		return nil
	}
	options := s.hooks(r.do, r.own.Logger)
	if h := r.hooks.Load(); h != nil {
		return h.Reload(options)
	}
	h, err := hooks.New(options)
	if err == nil {
		r.hooks.Store(h)
	}
	return err
}

// do carries out what the application answers.
func (r *Server) do(ctx context.Context, c *api.Command) *api.Answer {
	return r.Gateway.Do(ctx, c)
}

// prepareRules has rules hold in rooms.
func (r *Server) prepareRules(s *Settings) (err error) {
	switch {
	case !s.rulesOn():
	case r.rules == nil:
		r.rules, err = rules.New(s.rules(), rules.Sources{Granted: identity.Granted, AskJoin: r.askJoin})
	default:
		err = r.rules.Replace(s.rules())
	}
	return err
}

// askJoin asks the application, by the hooks that there are now.
func (r *Server) askJoin(ctx context.Context, c *gateway.Client, room string) error {
	if h := r.hooks.Load(); h != nil {
		return h.AskJoin(ctx, c, room)
	}
	return &gateway.ClientError{Code: api.ErrBusy, Message: "nobody can be asked whether you may join"}
}

// policy returns what of the gateway may change, as the settings say. A server without keys needs the one that was made
// for it, and one that only its own machine may reach has names of its own, and tells more on its page.
func (r *Server) policy(s *Settings) gateway.Policy {
	p := s.policy()
	if s.Auth.On() {
		who := r.identity.Load()
		p.Identify, p.Renew = who.Identify, who.Renew
	}
	if s.rulesOn() {
		p.Rules = r.rules.Rules()
	}
	if s.Hooks.URL != "" {
		p.Observer = r.hooks.Load().Observer()
	}
	if len(p.Keys) == 0 {
		p.Keys = []string{r.own.Key}
	}
	if s.Local() || len(s.Hosts) > 0 {
		p.Hosts = append(slices.Clone(r.own.Hosts), s.Hosts...)
	}
	if p.Hints.Run = r.own.Hints.Run; s.Local() {
		p.Hints.Send, p.Hints.Keyed, p.Hints.Socket = r.own.Hints.Send, r.own.Hints.Keyed, r.own.Hints.Socket
	}
	return p
}

// collector shows what the parts count that there are. It describes nothing, as there may be more later.
type collector struct{ server *Server }

// Describe sends nothing.
func (collector) Describe(chan<- *prometheus.Desc) {}

// Collect sends what is counted now.
func (c collector) Collect(to chan<- prometheus.Metric) {
	if who := c.server.identity.Load(); who != nil {
		who.Collector().Collect(to)
	}
	if told := c.server.hooks.Load(); told != nil {
		told.Collector().Collect(to)
	}
}
