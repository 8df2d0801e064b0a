package config

import (
	"log/slog"
	"slices"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/console"
)

// policy returns what of a gateway may change, but for who may come in, the rules and who is told.
func (s *Settings) policy() gateway.Policy {
	l := &s.Limits
	return gateway.Policy{
		Keys:  s.APIKeys(),
		Hosts: s.Hosts,
		Hints: console.Hints{Open: !s.Auth.On()},
		Limits: gateway.Limits{
			Rooms:        l.Rooms,
			Name:         l.Name,
			Message:      int(l.SendMessage),
			ConnsPerUser: l.ConnsPerUser,
		},
		WebSocket: molva.Policy{
			Origins:        s.Origins,
			Admission:      s.admission(),
			TrustedProxies: s.TrustedProxies,
			ProxyHeader:    s.ProxyHeader,
			ProxyProtocol:  s.ProxyProtocol,
			Limits:         s.connLimits(),
			Slow:           slowPolicy(l.Slow),
		},
	}
}

// gateway makes a gateway that begins with a policy.
func (s *Settings) gateway(p gateway.Policy, log *slog.Logger) *gateway.Gateway {
	return &gateway.Gateway{
		Identify: p.Identify,
		Renew:    p.Renew,
		Rules:    p.Rules,
		Observer: p.Observer,
		Keys:     p.Keys,
		Hints:    p.Hints,
		Hosts:    p.Hosts,
		Limits:   p.Limits,
		Console:  s.Console,
		Logger:   log,
		WebSocket: molva.Server{
			Origins:        p.WebSocket.Origins,
			Admission:      p.WebSocket.Admission,
			TrustedProxies: p.WebSocket.TrustedProxies,
			ProxyHeader:    p.WebSocket.ProxyHeader,
			ProxyProtocol:  p.WebSocket.ProxyProtocol,
			Limits:         p.WebSocket.Limits,
			Slow:           p.WebSocket.Slow,
			Timeouts:       molva.Timeouts{Handshake: s.Limits.HandshakeTime},
		},
	}
}

// Local reports whether nobody has said who may come in, so that only this machine may connect.
func (s *Settings) Local() bool { return !s.Open && !s.Auth.On() }

// APIKeys returns the keys for the HTTP API, from wherever they are set.
func (s *Settings) APIKeys() []string { return slices.Clone(s.keys) }

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
