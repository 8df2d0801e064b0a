package gateway

import (
	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway/api"
)

func (r *request) join() *ClientError {
	name, refused := r.name("room", r.room)
	if refused != nil {
		return refused
	}
	presence, ok := flag(r.fields.presence)
	if !ok {
		return badField("presence must be true or false")
	}
	if isReserved(name) && (name != statsRoom || !r.gateway.Console) {
		return &ClientError{api.ErrForbidden, "names that begin with $ are reserved"}
	}
	if r.joined([]byte(name)) == nil && r.count() >= r.gateway.limits().Rooms {
		return &ClientError{api.ErrTooManyRooms, "leave a room before joining another one"}
	}
	if rule := r.gateway.rules().Join; rule != nil {
		if err := rule(r.Client, name); err != nil {
			return r.denied("join", err)
		}
	}
	visible := r.maySee(name)
	if presence && visible != nil {
		return visible
	}
	r.gateway.join(r.Client, name, presence, func(in *room) { r.answerRoom(in, visible == nil) })
	return nil
}

// maySee asks Rules.Presence.
func (r *request) maySee(room string) *ClientError {
	if rule := r.gateway.rules().Presence; rule != nil {
		if err := rule(r.Client, room); err != nil {
			return r.denied("presence", err)
		}
	}
	return nil
}

// answerRoom answers with a room and, if the client may know, who is there. The room is locked or nil, for none.
func (r *request) answerRoom(in *room, visible bool) {
	t := r.ok()
	if t == nil {
		return
	}
	t.raw(`,"room":`)
	t.bytes(r.room)
	if visible {
		t.users(in)
	}
	r.done(t)
}

func (r *request) leave() *ClientError {
	name, refused := r.name("room", r.room)
	if refused != nil {
		return refused
	}
	r.gateway.leave(r.Client, name)
	r.answerRoom(nil, false)
	return nil
}

func (r *request) askPresence() *ClientError {
	name, refused := r.name("room", r.room)
	if refused != nil {
		return refused
	}
	if r.joined([]byte(name)) == nil && !r.mayFromOutside(name) {
		return errNotJoined
	}
	if refused := r.maySee(name); refused != nil {
		return refused
	}
	r.gateway.rooms.with(name, func(in *room) { r.answerRoom(in, true) })
	return nil
}

var errNotJoined = &ClientError{api.ErrNotJoined, "join the room first"}

// mayFromOutside reports whether one need not have joined a room to use it.
func (r *request) mayFromOutside(room string) bool {
	return r.gateway.rules().Unjoined && !isReserved(room)
}

func (r *request) publish() *ClientError {
	name, ok := stringOf(r.room)
	if !ok {
		return badField("room must be a string")
	}
	echo, ok := flag(r.echo)
	if !ok {
		return badField("echo must be true or false")
	}
	if r.data == nil {
		return badField("data is missing")
	}
	p := publication{from: r.Client, echo: echo, data: r.data}
	if r.subject != nil {
		var refused *ClientError
		if p.subject, refused = r.name("subject", r.subject); refused != nil {
			return refused
		}
	}
	in := r.joined(name)
	if in == nil {
		return r.publishOutside(p)
	}
	if refused := r.mayPublish(in.name); refused != nil {
		return refused
	}
	s, ok := in.publish(r.gateway, p)
	if !ok { // the application has just taken the last member out
		s = r.gateway.stamp()
	}
	r.published(in.name, s)
	return nil
}

// publishOutside publishes to a room that was not joined.
func (r *request) publishOutside(p publication) *ClientError {
	name, refused := r.name("room", r.room)
	switch {
	case refused != nil:
		return refused
	case isReserved(name):
		return errReserved
	case !r.mayFromOutside(name):
		return errNotJoined
	}
	if refused := r.mayPublish(name); refused != nil {
		return refused
	}
	r.published(name, r.gateway.publish(name, p))
	return nil
}

var errReserved = &ClientError{api.ErrForbidden, "names that begin with $ are reserved"}

func (r *request) mayPublish(room string) *ClientError {
	if isReserved(room) {
		return errReserved
	}
	if rule := r.gateway.rules().Publish; rule != nil {
		if err := rule(r.Client, room, r.data); err != nil {
			return r.denied("publish", err)
		}
	}
	return nil
}

func (r *request) send() *ClientError {
	name, refused := r.name("user", r.fields.user)
	switch {
	case refused != nil:
		return refused
	case r.data == nil:
		return badField("data is missing")
	case isReserved(name):
		return errReserved
	}
	if rule := r.gateway.rules().Send; rule != nil {
		if err := rule(r.Client, name, r.data); err != nil {
			return r.denied("send", err)
		}
	}
	s := r.gateway.sendUser(name, r.Client, r.data)
	if told := r.gateway.observer().Sent; told != nil {
		told(r.Client, r.publication(s, Publication{User: name}))
	}
	r.answerSent(s)
	return nil
}

// published is called when a message was sent to a room.
func (r *request) published(room string, s sent) {
	if told := r.gateway.observer().Published; told != nil {
		told(r.Client, r.publication(s, Publication{Room: room}))
	}
	r.answerSent(s)
}

// publication adds to p what was sent.
func (r *request) publication(s sent, p Publication) Publication {
	p.ID, p.Time, p.Data, p.Reached = r.gateway.messageID(s.number), s.time, r.data, s.reached
	return p
}

func (r *request) answerSent(s sent) {
	t := r.ok()
	if t == nil {
		return
	}
	t.raw(`,"id":"`)
	t.messageID(r.gateway, s.number)
	t.raw(`","time":`)
	t.int(s.time)
	t.raw(`,"reached":`)
	t.int(int64(s.reached))
	r.done(t)
}

func (r *request) renew() *ClientError {
	renew := r.gateway.policy.Load().Renew
	if renew == nil {
		return &ClientError{api.ErrUnsupported, "tokens are not renewed here"}
	}
	token, ok := stringOf(r.token)
	if !ok || len(token) == 0 {
		return badField("token must be a string")
	}
	expires, err := renew(r.Client, string(token))
	if err != nil {
		return r.denied("renew", err)
	}
	t := r.ok()
	if t != nil && !expires.IsZero() {
		t.raw(`,"expires":`)
		t.int(expires.UnixMilli())
	}
	r.done(t)
	r.renewed(expires)
	return nil
}

func (r *request) ping() *ClientError {
	t := r.ok()
	if t != nil {
		t.raw(`,"time":`)
		t.int(now())
	}
	r.done(t)
	return nil
}

// textMessage is t as a message.
func (t *text) message() molva.Message { return molva.Message{Type: molva.TypeText, Data: t.b} }
