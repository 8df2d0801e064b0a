package config

import (
	"log/slog"
	"slices"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway"
)

// gateway makes a gateway of what is set, but for who may come in and the rules.
func (s *Settings) gateway(log *slog.Logger) *gateway.Gateway {
	l := &s.Limits
	return &gateway.Gateway{
		Keys:    s.APIKeys(),
		Hosts:   s.Hosts,
		Console: s.Console,
		Logger:  log,
		Limits: gateway.Limits{
			Rooms:        l.Rooms,
			Name:         l.Name,
			Message:      int(l.SendMessage),
			ConnsPerUser: l.ConnsPerUser,
		},
		WebSocket: molva.Server{
			Origins:        s.Origins,
			TrustedProxies: s.TrustedProxies,
			ProxyHeader:    s.ProxyHeader,
			ProxyProtocol:  s.ProxyProtocol,
			Admission:      s.admission(),
			Limits:         s.connLimits(),
			Timeouts:       molva.Timeouts{Handshake: l.HandshakeTime},
			Slow:           slowPolicy(l.Slow),
		},
	}
}

// Local reports whether nobody has said who may come in, so that only this machine may connect.
func (s *Settings) Local() bool { return !s.Open && !s.Auth.On() }

// APIKeys returns the keys for the HTTP API, from wherever they are set.
func (s *Settings) APIKeys() []string { return slices.Clone(s.keys) }

// policy returns what of a gateway that serves follows from the settings. A server without keys needs the one that was
// made for it, and one that only its own machine may reach has names of its own.
func (s *Settings) policy(own Own) gateway.Policy {
	p := gateway.Policy{Keys: s.APIKeys(), Hosts: s.Hosts, Origins: s.Origins, ConnsPerUser: s.Limits.ConnsPerUser}
	if len(p.Keys) == 0 {
		p.Keys = []string{own.Key}
	}
	if s.Local() || len(s.Hosts) > 0 {
		p.Hosts = append(slices.Clone(own.Hosts), s.Hosts...)
	}
	return p
}

func (s *Settings) admission() molva.Admission {
	l := &s.Limits
	return molva.Admission{
		Conns:          l.Conns,
		ConnsPerAddr:   l.ConnsPerAddress,
		Handshakes:     l.Handshakes,
		HandshakeBurst: l.HandshakeBurst,
		IPv6Prefix:     l.IPv6Prefix,
		DryRun:         l.DryRun,
	}
}

// connLimits translates to the convention that 0 is the default and less is no limit.
func (s *Settings) connLimits() molva.Limits {
	l := &s.Limits
	limits := molva.Limits{
		Message:      int64(l.Message),
		Outbox:       int(l.Outbox),
		Messages:     l.Messages,
		MessageBurst: l.MessageBurst,
		Bytes:        float64(l.Bytes),
		ByteBurst:    int64(l.ByteBurst),
	}
	if l.Messages == 0 {
		limits.Messages = -1
	}
	if l.Fast == "disconnect" {
		limits.Fast = molva.FastClose
	}
	return limits
}

func slowPolicy(name string) molva.SlowPolicy {
	switch name {
	case "refuse":
		return molva.SlowRefuse
	case "drop-oldest":
		return molva.SlowDropOldest
	}
	return molva.SlowClose
}
