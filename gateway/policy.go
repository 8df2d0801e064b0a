package gateway

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway/console"
	"github.com/molva-ws/molva/gateway/internal/keyring"
)

// Policy is what of a [Gateway] may change while it serves. Its fields are those of Gateway.
type Policy struct {
	Identify  func(*molva.Upgrade) error
	Renew     func(c *Client, token string) (expires time.Time, err error)
	Rules     Rules
	Observer  Observer
	Keys      []string
	Hints     console.Hints
	Hosts     []string
	Limits    Limits
	WebSocket molva.Policy
}

// policy is one that is in force. It does not change, but is replaced by another.
type policy struct {
	Policy
	limits  Limits // with the defaults filled in
	keyring keyring.Ring
}

func newPolicy(p Policy) *policy {
	p.WebSocket.Limits = withClientDefaults(p.WebSocket.Limits)
	return &policy{Policy: p, limits: p.Limits.withDefaults(), keyring: keyring.New(p.Keys)}
}

// Policy returns the one that holds, to be changed and set. It may be called from any goroutine.
func (g *Gateway) Policy() Policy {
	g.init()
	return g.policy.Load().Policy
}

// SetPolicy replaces what was said in the fields of these names. It holds for requests, handshakes and what clients say
// from now on; connections stay, and so do their rooms. An Observer that is new hears of what happens from now on, also
// on connections of which it has not heard before. For WebSocket see [molva.Server.SetPolicy]. After an error, which is
// like that of the latter, nothing has changed. It may be called from any goroutine.
func (g *Gateway) SetPolicy(p Policy) error {
	g.init()
	next := newPolicy(p)
	if err := g.WebSocket.SetPolicy(next.WebSocket); err != nil {
		return err
	}
	g.policy.Store(next)
	return nil
}

// firstPolicy is the one that the fields say.
func (g *Gateway) firstPolicy() *policy {
	return newPolicy(Policy{
		Identify:  g.Identify,
		Renew:     g.Renew,
		Rules:     g.Rules,
		Observer:  g.Observer,
		Keys:      g.Keys,
		Hints:     g.Hints,
		Hosts:     g.Hosts,
		Limits:    g.Limits,
		WebSocket: g.WebSocket.Policy(),
	})
}

// These return what holds now.
func (g *Gateway) keyring() keyring.Ring { return g.policy.Load().keyring }
func (g *Gateway) limits() *Limits       { return &g.policy.Load().limits }
func (g *Gateway) rules() *Rules         { return &g.policy.Load().Rules }
func (g *Gateway) observer() *Observer   { return &g.policy.Load().Observer }

// errUserConns says that a user has as many connections as there may be.
var errUserConns = errors.New("too many connections of this user; close one of them first")

// checkUser returns the answer to a client whose user has as many connections as there may be, nil to others.
func (g *Gateway) checkUser(u *molva.Upgrade) *molva.Refusal {
	p := g.policy.Load()
	most := p.Limits.ConnsPerUser
	if most <= 0 || u.User == "" || g.conns.connsOf(u.User) < most {
		return nil
	}
	if p.WebSocket.Admission.DryRun {
		g.heard.userSpared.Add(1)
		g.misuse.Say(slog.LevelInfo, "a client would have been refused", "client", u.ClientAddr, "user", u.User,
			"reason", errUserConns)
		return nil
	}
	return &molva.Refusal{Status: http.StatusTooManyRequests, Reason: errUserConns.Error()}
}

// enforceUserConns closes a connection whose user has n of them, more than there may be: several came at once.
func (g *Gateway) enforceUserConns(conn *molva.Conn, n int) {
	p := g.policy.Load()
	if most := p.Limits.ConnsPerUser; most > 0 && n > most && !p.WebSocket.Admission.DryRun {
		conn.Close(closeCodeOf(http.StatusTooManyRequests), errUserConns.Error())
	}
}
