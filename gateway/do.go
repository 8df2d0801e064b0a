package gateway

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway/api"
	"github.com/molva-ws/molva/gateway/internal/command"
	"github.com/molva-ws/molva/gateway/internal/idempotency"
)

// Do carries a command out. It waits for nothing but, at a send with a key that is just being used, for the one who
// was first; the context bounds that. It never returns nil. Gateway keeps nothing of the command.
func (g *Gateway) Do(ctx context.Context, c *api.Command) *api.Answer {
	g.init()
	g.commands.Add(1)
	a, err := g.do(ctx, c)
	if err != nil {
		a = &api.Answer{Error: err.Code, Message: err.Message}
	}
	a.OK = err == nil
	a.Request = c.ID
	return a
}

// commandError is why a command was not carried out.
type commandError struct {
	Code    api.ErrorCode
	Message string
}

func wrongField(text string) *commandError { return &commandError{api.ErrBadField, text} }

func (g *Gateway) do(ctx context.Context, c *api.Command) (*api.Answer, *commandError) {
	name := command.Name(c)
	switch {
	case !command.Exists(name):
		return nil, &commandError{api.ErrBadCommand, "there is no command " + strconv.QuoteToGraphic(shorten([]byte(name)))}
	case g.isStopping():
		return nil, &commandError{api.ErrBusy, "the server is shutting down"}
	}
	if odd := command.Misplaced(c); odd != "" {
		return nil, wrongField(strconv.Quote(odd) + " does not belong to " + name)
	}
	for _, field := range []struct{ name, value string }{{"user", c.User}, {"room", c.Room}, {"subject", c.Subject}} {
		if field.value != "" && !validName(field.value, g.limits().Name) {
			return nil, wrongField(field.name + " must be " + g.nameRule())
		}
	}
	return g.carryOut(ctx, name, c)
}

func (g *Gateway) carryOut(ctx context.Context, name string, c *api.Command) (*api.Answer, *commandError) {
	switch name {
	case "send":
		return g.doSend(ctx, c)
	case "online":
		return g.doOnline(c)
	case "conns":
		return g.doConns(c)
	case "rooms":
		return g.doRooms(c)
	case "users":
		return g.doUsers(c)
	case "disconnect":
		return g.doDisconnect(c)
	case "join":
		return g.doJoin(c)
	case "leave":
		return g.doLeave(c)
	case "stats":
		stats := g.Stats()
		return &api.Answer{Stats: &stats}, nil
	case "reload":
		return g.doReload(ctx)
	}
	return &api.Answer{Time: now()}, nil // ping
}

func (g *Gateway) doSend(ctx context.Context, c *api.Command) (*api.Answer, *commandError) {
	if !isOne(c.User != "", c.Room != "", c.All) {
		return nil, wrongField("send needs one of user, room and all")
	}
	if c.Subject != "" && c.Room == "" {
		return nil, wrongField("subject goes with room")
	}
	if err := g.checkMessage(c); err != nil {
		return nil, err
	}
	if c.Key == "" {
		return g.sendNow(c), nil
	}
	return g.doSendOnce(ctx, c)
}

// doSendOnce sends unless the key was used before.
func (g *Gateway) doSendOnce(ctx context.Context, c *api.Command) (*api.Answer, *commandError) {
	if len(c.Key) > idempotency.MaxKey {
		return nil, wrongField("key must be 1 to " + strconv.Itoa(idempotency.MaxKey) + " bytes")
	}
	l := g.limits()
	remembered := idempotency.Limits{Keys: l.Keys, Age: l.KeyAge}
	a := g.keys.Once(ctx, remembered, c, func() *api.Answer { return g.sendNow(c) })
	if a.Error != "" {
		return nil, &commandError{a.Error, a.Message}
	}
	return a, nil
}

// isOne reports whether just one of several things is so.
func isOne(these ...bool) bool {
	n := 0
	for _, so := range these {
		if so {
			n++
		}
	}
	return n == 1
}

func (g *Gateway) checkMessage(c *api.Command) *commandError {
	switch {
	case isReserved(c.User) || isReserved(c.Room):
		return wrongField("names that begin with $ are reserved")
	case len(c.Message) == 0:
		return wrongField("message is missing")
	case len(c.Message) > g.limits().Message:
		return &commandError{api.ErrTooLarge, "message is longer than " + strconv.Itoa(g.limits().Message) + " bytes"}
	case !json.Valid(c.Message) || !utf8.Valid(c.Message):
		return wrongField("message must be a JSON value in UTF-8")
	}
	return nil
}

func (g *Gateway) sendNow(c *api.Command) *api.Answer {
	var s sent
	switch {
	case c.All:
		s = g.sendAll(c.Message)
	case c.User != "":
		s = g.sendUser(c.User, nil, c.Message)
	default:
		s = g.publish(c.Room, publication{subject: c.Subject, data: c.Message})
	}
	return &api.Answer{MsgID: g.messageID(s.number), Time: s.time, Reached: &s.reached}
}

func (g *Gateway) doOnline(c *api.Command) (*api.Answer, *commandError) {
	if c.User == "" {
		return nil, wrongField("user is missing")
	}
	n := g.conns.connsOf(c.User)
	online := n > 0
	return &api.Answer{Online: &online, Conns: n}, nil
}

// Codes with which an application may close a connection, beside 1000.
const (
	closeDisconnected molva.CloseCode = 4403

	firstCloseCode = 3000
	lastCloseCode  = 4999
	maxReason      = 123 // bytes (RFC 6455 §5.5)
)

func (g *Gateway) doDisconnect(c *api.Command) (*api.Answer, *commandError) {
	code := molva.CloseCode(c.Code)
	switch {
	case (c.User == "") == (c.Conn == ""):
		return nil, wrongField("disconnect needs one of user and conn")
	case c.Code == 0:
		code = closeDisconnected
	case c.Code != int(molva.CloseNormal) && (c.Code < firstCloseCode || c.Code > lastCloseCode):
		return nil, wrongField("code must be 1000, or from 3000 to 4999")
	}
	if len(c.Reason) > maxReason || !utf8.ValidString(c.Reason) {
		return nil, wrongField("reason must be at most 123 bytes of UTF-8")
	}
	conns := g.WebSocket.ConnsOf(c.User)
	if c.Conn != "" {
		conns = nil
		if one := g.client(c.Conn); one != nil {
			conns = []*molva.Conn{one.conn}
		}
	}
	closed := 0
	for _, conn := range conns {
		if conn.Close(code, c.Reason) == nil {
			closed++
		}
	}
	return &api.Answer{Closed: &closed}, nil
}

// number reads the id of a connection, which may have gone.
func (g *Gateway) number(id string) (uint64, bool) {
	digits, ok := strings.CutPrefix(id, "c"+g.prefix+"-")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 36, 64)
	return n, err == nil
}

// client returns the connection of an id, nil if there is none.
func (g *Gateway) client(id string) *Client {
	if n, ok := g.number(id); ok {
		return g.conns.conn(n)
	}
	return nil
}
