package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/molva-ws/molva"
)

// admit is [molva.Server.OnUpgrade].
func (g *Gateway) admit(u *molva.Upgrade) error {
	if refusal := g.checkHost(u.Request); refusal != nil {
		return refusal
	}
	if u.URL.Path != "/ws" {
		return &molva.Refusal{Status: http.StatusNotFound, Reason: "WebSockets are served at /ws"}
	}
	if u.Subprotocol == "" && len(u.Header.Values("Sec-WebSocket-Protocol")) > 0 {
		return &molva.Refusal{Status: http.StatusBadRequest, Reason: "the subprotocol here is " + subprotocol}
	}
	if err := g.welcome(u); err != nil && !g.turnAway(u, err) {
		return err
	}
	return nil
}

// welcome lets in whoever may come in.
func (g *Gateway) welcome(u *molva.Upgrade) error {
	if err := g.identify(u); err != nil {
		return err
	}
	if u.User != "" && !g.limits().ValidUser(u.User) {
		return &molva.Refusal{
			Status: http.StatusBadRequest,
			Reason: "the name of a user must be " + g.nameRule() + " and not begin with $",
		}
	}
	if refusal := g.checkUser(u); refusal != nil {
		return refusal
	}
	// The server learns the user's name once the client was greeted, so that nothing is sent before.
	u.Value = &Client{gateway: g, user: u.User, value: u.Value}
	u.User = ""
	return nil
}

// identify finds out who it is.
func (g *Gateway) identify(u *molva.Upgrade) error {
	who := g.policy.Load().Identify
	if who == nil {
		u.User = u.URL.Query().Get("user")
		return nil
	}
	err := who(u)
	var refusal *molva.Refusal
	if err == nil || errors.As(err, &refusal) {
		return err
	}
	g.misuse.Say(slog.LevelWarn, "client refused", "client", u.ClientAddr, "error", err)
	return &molva.Refusal{Status: http.StatusForbidden, Reason: "the server refuses this connection"}
}

// opened is [molva.Server.OnOpen].
func (g *Gateway) opened(conn *molva.Conn) {
	if g.goodbye(conn) {
		return
	}
	c := conn.Value().(*Client)
	c.conn, c.number, c.since = conn, g.conns.next(), now()
	expires := c.expires()
	c.greet(expires)
	c.ExpireAt(expires)
	if c.user != "" {
		conn.SetUser(c.user)
	}
	g.enforceUserConns(conn, g.conns.add(c, g.observer().Connected))
	if g.logsDebug() {
		g.log.Debug("connection opened", "conn", c.ID(), "user", c.user, "client", conn.ClientAddr())
	}
}

// expires returns when the connection ends by what Gateway.Identify said; the zero time is never.
func (c *Client) expires() time.Time {
	if e, ok := c.value.(Expiring); ok {
		return e.Expires()
	}
	return time.Time{}
}

// greet says hello.
func (c *Client) greet(expires time.Time) {
	p := c.gateway.policy.Load()
	t := newText()
	defer t.free()
	t.raw(`{"type":"hello","protocol":`)
	t.int(protocolVersion)
	t.raw(`,"conn":`)
	t.string(c.ID())
	if c.user != "" {
		t.raw(`,"user":`)
		t.string(c.user)
	}
	t.raw(`,"limits":{"message":`)
	t.int(max(0, p.WebSocket.Limits.Message))
	t.raw(`,"rooms":`)
	t.int(int64(p.limits.Rooms))
	t.raw(`,"name":`)
	t.int(int64(p.limits.Name))
	t.raw(`,"rate":`)
	t.b = strconv.AppendFloat(t.b, max(0, p.WebSocket.Limits.Messages), 'f', -1, 64)
	t.raw(`},"time":`)
	t.int(c.since)
	if !expires.IsZero() {
		t.raw(`,"expires":`)
		t.int(expires.UnixMilli())
	}
	t.raw(`}`)
	c.say(t)
}

// closed is [molva.Server.OnClose].
func (g *Gateway) closed(conn *molva.Conn, err error) {
	c, ok := conn.Value().(*Client)
	if !ok {
		g.turned.open.Add(-1)
		return
	}
	g.conns.remove(c)
	g.leaveAll(c)
	c.stopExpiry()
	if told := g.observer().Disconnected; told != nil {
		told(c, err)
	}
	if g.logsDebug() {
		g.log.Debug("connection closed", "conn", c.ID(), "user", c.user, "client", conn.ClientAddr(), "error", err)
	}
}

func (g *Gateway) logsDebug() bool { return g.log.Enabled(context.Background(), slog.LevelDebug) }
