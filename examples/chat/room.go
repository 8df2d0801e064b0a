package main

import (
	"cmp"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/molva-ws/molva"
)

// lobby is the room of the server that everyone joins.
const lobby = "lobby"

// user is somebody in the room. They may have several connections: one tab each, or the one that is dead but does not
// know it yet beside the one that replaced it.
type user struct {
	person
	key   string
	flood flood
	conns int
}

// room is the chat room. What it publishes it publishes under its lock, so that everyone sees the same in the same
// order. Sending never blocks, so the lock is never held for long.
type room struct {
	srv   *molva.Server
	grace time.Duration

	mu      sync.Mutex
	users   map[int]*user
	numbers int   // given to users so far
	last    int64 // ID of the last message
	history history
}

func newRoom(srv *molva.Server, grace time.Duration) *room {
	return &room{
		srv: srv, grace: grace, users: make(map[int]*user),
		history: history{messages: make([]said, 0, historySize)},
	}
}

// enter lets a connection in, as the user it was before or as a new one, and tells it what it has missed.
func (r *room) enter(c *molva.Conn, req request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	u, isNew := r.returning(req), false
	if u == nil {
		u, isNew = r.newUser(req), true
	}
	u.conns++
	c.SetValue(u)
	missed, gap := r.history.since(req.After)
	c.Send(message(welcome{
		Type: "welcome", You: u.person, Key: u.key, People: r.people(), Messages: missed, Gap: gap,
		MaxText: maxText, MaxName: maxName,
	}))
	if isNew {
		r.publish(presence{Type: "joined", Time: time.Now().UnixMilli(), Who: u.person})
	}
	c.Join(lobby) // after the news of their own arrival
}

// returning returns the user who says hello again, or nil.
func (r *room) returning(req request) *user {
	u := r.users[req.User]
	if u == nil || subtle.ConstantTimeCompare([]byte(u.key), []byte(req.Key)) != 1 {
		return nil
	}
	return u
}

// newUser makes a user, by the name they would like if it can be theirs.
func (r *room) newUser(req request) *user {
	r.numbers++
	u := &user{person: person{ID: r.numbers, Name: fmt.Sprintf("user #%d", r.numbers)}, key: rand.Text()}
	if checkName(req) == nil && !r.taken(req.Name, u) {
		u.Name = req.Name
	}
	r.users[u.ID] = u
	return u
}

// disconnect notes that a connection of a user has ended. They have left if they do not come back in time.
func (r *room) disconnect(u *user) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if u.conns--; u.conns == 0 {
		time.AfterFunc(r.grace, func() { r.leave(u) })
	}
}

// leave removes a user who did not come back.
func (r *room) leave(u *user) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if u.conns > 0 || r.users[u.ID] != u {
		return
	}
	delete(r.users, u.ID)
	r.publish(presence{Type: "left", Time: time.Now().UnixMilli(), Who: u.person})
}

// say publishes a message of u. The error is a *refusal.
func (r *room) say(u *user, req request) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if err := u.admit(now, req); err != nil {
		return err
	}
	r.last = max(r.last+1, now.UnixMicro())
	m := said{Type: "said", ID: r.last, Time: now.UnixMilli(), From: u.person, Text: req.Text, Ref: req.Ref}
	r.history.add(m)
	r.publish(m)
	return nil
}

// rename gives u another name. The error is a *refusal.
func (r *room) rename(u *user, req request) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.taken(req.Name, u) {
		return refuse(req, "Somebody here is called %s already.", req.Name)
	}
	now := time.Now()
	if err := u.admit(now, req); err != nil {
		return err
	}
	was := u.Name
	u.Name = req.Name
	r.publish(presence{Type: "renamed", Time: now.UnixMilli(), Who: u.person, Was: was})
	return nil
}

// admit refuses what comes too fast.
func (u *user) admit(now time.Time, req request) error {
	wait := u.flood.take(now)
	if wait == 0 {
		return nil
	}
	seconds := int(math.Ceil(wait.Seconds()))
	unit := "seconds"
	if seconds == 1 {
		unit = "second"
	}
	why := refuse(req, "You are too fast for the others to read. Try again in %d %s.", seconds, unit)
	why.Wait = wait.Milliseconds() + 1
	return why
}

// taken reports whether somebody but u has the name.
func (r *room) taken(name string, u *user) bool {
	for _, other := range r.users {
		if other != u && strings.EqualFold(other.Name, name) {
			return true
		}
	}
	return false
}

// people returns who is here, those first who came first.
func (r *room) people() []person {
	list := make([]person, 0, len(r.users))
	for _, u := range r.users {
		list = append(list, u.person)
	}
	slices.SortFunc(list, func(a, b person) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

func (r *room) publish(v any) { r.srv.Publish(lobby, message(v)) }

func message(v any) molva.Message { return molva.Message{Type: molva.TypeText, Data: encode(v)} }
