package gateway

import (
	"errors"
	"log/slog"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway/api"
)

const (
	subprotocol     = "molva.v1"
	protocolVersion = 1

	closeBadJSON      molva.CloseCode = 4400
	closeUnauthorized molva.CloseCode = 4401

	maxBadJSON = 10 // messages that are no JSON objects, on one connection
)

// request is one message of a client while it is carried out.
type request struct {
	*Client
	fields
	ackID int64 // 0 if no answer is wanted
}

// received is [molva.Server.OnMessage].
func (g *Gateway) received(conn *molva.Conn, m molva.Message) {
	r := request{Client: conn.Value().(*Client)}
	if m.Type != molva.TypeText {
		g.misuse.Say(slog.LevelInfo, "client sent a binary message", "conn", r.ID(), "client", conn.ClientAddr())
		conn.Close(molva.CloseUnsupportedData, "binary messages are not in this version")
		return
	}
	if !r.parse(m.Data) {
		r.notJSON()
		return
	}
	err := r.checkAck()
	if err == nil {
		err = r.carryOut()
	}
	if err != nil {
		r.refuse(err)
	}
}

// notJSON answers a message that could not be read. A client that goes on like that is broken, or is none.
func (r *request) notJSON() {
	r.refuse(&ClientError{api.ErrBadJSON, "a message must be one JSON object"})
	if r.badJSON++; r.badJSON >= maxBadJSON {
		r.gateway.misuse.Say(slog.LevelInfo, "client does not speak JSON", "conn", r.ID(), "client", r.conn.ClientAddr())
		r.conn.Close(closeBadJSON, "ten messages were no JSON objects")
	}
}

// checkAck reads ack and holds it against those before.
func (r *request) checkAck() *ClientError {
	if r.ack == nil {
		return nil
	}
	r.ackID = parseAck(r.ack)
	switch {
	case r.ackID == 0:
		return &ClientError{api.ErrBadAck, "ack must be an integer from 1 to 9007199254740991"}
	case r.ackID <= r.lastAck:
		return &ClientError{api.ErrBadAck, "ack must be greater than every one before"}
	}
	r.lastAck = r.ackID
	return nil
}

func (r *request) carryOut() *ClientError {
	kind, ok := stringOf(r.kind)
	if !ok {
		return badField("type must be a string")
	}
	switch string(kind) {
	case "join":
		return r.join()
	case "leave":
		return r.leave()
	case "publish":
		return r.publish()
	case "send":
		return r.send()
	case "presence":
		return r.askPresence()
	case "renew":
		return r.renew()
	case "ping":
		return r.ping()
	}
	return &ClientError{api.ErrBadType, "there is no type " + shorten(kind)}
}

func badField(text string) *ClientError { return &ClientError{api.ErrBadField, text} }

// refuse answers with an error.
func (r *request) refuse(e *ClientError) {
	t := newText()
	defer t.free()
	t.raw(`{"type":"error"`)
	if r.ackID != 0 {
		t.raw(`,"ack":`)
		t.int(r.ackID)
	}
	t.raw(`,"code":`)
	t.string(string(e.code()))
	t.raw(`,"message":`)
	t.string(e.Message)
	t.raw(`}`)
	r.say(t)
}

// ok begins an answer, or returns nil if the client wants none.
func (r *request) ok() *text {
	if r.ackID == 0 {
		return nil
	}
	t := newText()
	t.raw(`{"type":"ok","ack":`)
	t.int(r.ackID)
	return t
}

// done ends an answer that ok has begun and sends it.
func (r *request) done(t *text) {
	if t != nil {
		t.raw(`}`)
		r.say(t)
		t.free()
	}
}

// directSize is from where on Conn.Send may write to the socket at once, for which nobody should wait at a lock.
const directSize = 8 << 10

// say queues a message to this client alone. If it cannot be queued the connection is closing.
func (c *Client) say(t *text) {
	m := molva.Message{Type: molva.TypeText, Data: t.b}
	if len(t.b) < directSize {
		c.conn.Send(m)
		return
	}
	if p, err := molva.Prepare(m); err == nil {
		c.conn.SendPrepared(p)
	}
}

// name decodes a field that names a room or a user.
func (r *request) name(field string, raw []byte) (string, *ClientError) {
	name, ok := stringOf(raw)
	if !ok {
		return "", badField(field + " must be a string")
	}
	if !validName(string(name), r.gateway.limits().Name) {
		return "", badField(field + " must be " + r.gateway.nameRule())
	}
	return string(name), nil
}

// denied returns what a client is told about an error of Rules or Renew. What is not meant for it is logged.
func (r *request) denied(what string, err error) *ClientError {
	var told *ClientError
	if errors.As(err, &told) {
		return told
	}
	r.gateway.misuse.Say(slog.LevelInfo, "client may not do that", "what", what, "conn", r.ID(), "user", r.Client.user,
		"client", r.conn.ClientAddr(), "error", err)
	return &ClientError{api.ErrForbidden, "you may not do that"}
}
