package main

import (
	"errors"
	"time"

	"github.com/molva-ws/molva"
)

// graceToReturn is how long somebody may be away, to reload the page or to change networks, before they have left.
const graceToReturn = 5 * time.Second

// maxRequest bounds a message on the wire: maxText characters at their longest in JSON, and room for a request that
// is too long to be refused in words.
const maxRequest = 64 << 10

// newServer returns a server of the page and of a room of its own.
func newServer(grace time.Duration) *molva.Server {
	srv := &molva.Server{
		Handler:     pageHandler(),
		Limits:      molva.Limits{Message: maxRequest},
		Compression: molva.Compression{Enabled: true},
	}
	r := newRoom(srv, grace)
	srv.OnMessage = func(c *molva.Conn, m molva.Message) {
		if err := answer(r, c, m); err != nil {
			tell(c, err)
		}
	}
	srv.OnClose = func(c *molva.Conn, _ error) {
		if u, ok := c.Value().(*user); ok {
			r.disconnect(u)
		}
	}
	return srv
}

// answer does what a message asks for.
func answer(r *room, c *molva.Conn, m molva.Message) error {
	req, err := parse(m.Data)
	if err != nil {
		return err
	}
	u, known := c.Value().(*user)
	switch {
	case req.Type == typeHello && known:
		return refuse(req, "You have said hello already.")
	case req.Type == typeHello:
		r.enter(c, req)
		return nil
	case !known:
		return refuse(req, "Say hello first.")
	case req.Type == typeName:
		return r.rename(u, req)
	}
	return r.say(u, req)
}

// tell tells a client why its request was refused. A client that does not read its refusals is closed by the server.
func tell(c *molva.Conn, err error) {
	var why *refusal
	if errors.As(err, &why) {
		c.Send(molva.Message{Type: molva.TypeText, Data: encode(why)})
	}
}
