package molva

import (
	"errors"

	"github.com/molva-ws/molva/handshake"
	"github.com/molva-ws/molva/internal/clientaddr"
)

// Policy is what of a [Server] may change while it serves. Its fields are those of Server.
type Policy struct {
	Origins        []string
	Admission      Admission
	TrustedProxies []string
	ProxyHeader    string
	ProxyProtocol  bool
	Limits         Limits // but for Outbox, which stays what it was
	Slow           SlowPolicy
}

// Policy returns the one that holds, to be changed and set. It may be called from any goroutine.
func (s *Server) Policy() Policy {
	s.init()
	s.changing.Lock()
	defer s.changing.Unlock()
	return s.policy
}

// SetPolicy replaces what the fields of these names said, for connections and handshakes from now on. Those that are
// open stay, also where there are more of them than there may be now, and keep the limits that they came with, but for
// Messages, Bytes, their bursts and Fast: these hold for what comes from now on, on each connection that had a rate to
// keep before. It may be called from any goroutine while the server serves.
//
// If there is an origin or a trusted proxy that is none, the error says which, and nothing changes.
func (s *Server) SetPolicy(p Policy) error {
	trust, err := clientaddr.ParseTrust(p.TrustedProxies)
	if err := errors.Join(handshake.ValidateOrigins(p.Origins), err); err != nil {
		return err
	}
	s.init()
	s.changing.Lock()
	defer s.changing.Unlock()
	p.Limits.Outbox = s.policy.Limits.Outbox
	s.policy = p
	s.upgrader.origins.Store(&p.Origins)
	s.door.proxies.Store(&proxies{trust, p.ProxyHeader, p.ProxyProtocol})
	s.changeSettings(p)
	if s.door.gate.SetLimits(p.Admission.limits()) {
		s.recount()
	}
	return nil
}

// firstPolicy is the one that the fields say.
func (s *Server) firstPolicy() Policy {
	return Policy{
		Origins:        s.Origins,
		Admission:      s.Admission,
		TrustedProxies: s.TrustedProxies,
		ProxyHeader:    s.ProxyHeader,
		ProxyProtocol:  s.ProxyProtocol,
		Limits:         s.Limits,
		Slow:           s.Slow,
	}
}

// recount counts the connections by their addresses.
func (s *Server) recount() {
	for _, c := range s.hub.list(s.hub.all.appendTo) {
		s.hub.whileIn(c, func() { c.pass = s.door.gate.Recount(c.ClientAddr(), c.pass) })
	}
}

// changeSettings gives new connections other settings. The rates are those of all connections.
func (s *Server) changeSettings(p Policy) {
	next := newSettings(p.Limits, s.Timeouts, s.Compression, p.Slow, s.Logger)
	next.belongsTo(s)
	rates := s.upgrader.set().rates
	rates.Store(next.rates.Load())
	next.rates = rates
	s.upgrader.current.Store(next)
}
