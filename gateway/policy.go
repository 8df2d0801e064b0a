package gateway

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/molva-ws/molva"
)

// Policy is what of a [Gateway] may change while it serves.
type Policy struct {
	Keys         []string // as Gateway.Keys
	Hosts        []string // as Gateway.Hosts
	Origins      []string // as Gateway.WebSocket.Origins
	ConnsPerUser int      // as Limits.ConnsPerUser
}

// policy is one that is in force.
type policy struct {
	Policy
	keys keyring
}

// SetPolicy replaces what was said in the fields of that name. It holds for requests and handshakes from now on;
// connections stay. It returns an error, and changes nothing, if one of the origins is no pattern.
func (g *Gateway) SetPolicy(p Policy) error {
	g.init()
	if err := g.WebSocket.SetOrigins(p.Origins); err != nil {
		return err
	}
	g.policy.Store(&policy{Policy: p, keys: newKeyring(p.Keys)})
	return nil
}

// firstPolicy is the one that the fields say.
func (g *Gateway) firstPolicy() *policy {
	return &policy{
		Policy: Policy{Keys: g.Keys, Hosts: g.Hosts, Origins: g.WebSocket.Origins, ConnsPerUser: g.Limits.ConnsPerUser},
		keys:   newKeyring(g.Keys),
	}
}

// keyring returns the keys that are good now.
func (g *Gateway) keyring() keyring { return g.policy.Load().keys }

// errUserConns says that a user has as many connections as there may be.
var errUserConns = errors.New("too many connections of this user; close one of them first")

// checkUser returns the answer to a client whose user has as many connections as there may be, nil to others.
func (g *Gateway) checkUser(u *molva.Upgrade) *molva.Refusal {
	most := g.policy.Load().ConnsPerUser
	if most <= 0 || u.User == "" || g.conns.connsOf(u.User) < most {
		return nil
	}
	if g.WebSocket.Admission.DryRun {
		g.heard.userSpared.Add(1)
		g.misuse.Say(slog.LevelInfo, "a client would have been refused", "client", u.ClientAddr, "user", u.User,
			"reason", errUserConns)
		return nil
	}
	return &molva.Refusal{Status: http.StatusTooManyRequests, Reason: errUserConns.Error()}
}

// enforceUserConns closes a connection whose user has n of them, more than there may be: several came at once.
func (g *Gateway) enforceUserConns(conn *molva.Conn, n int) {
	if most := g.policy.Load().ConnsPerUser; most > 0 && n > most && !g.WebSocket.Admission.DryRun {
		conn.Close(molva.ClosePolicyViolation, errUserConns.Error())
	}
}
