package hooks

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway"
)

// Observer returns what goes into Gateway.Observer. It has the functions for those events alone that are told.
func (h *Hooks) Observer() gateway.Observer {
	o := &h.current.Load().options
	if o.URL == "" {
		return gateway.Observer{}
	}
	var all gateway.Observer
	for kind, observe := range map[Kind]func(){
		Connected:    func() { all.Connected = h.connected },
		Disconnected: func() { all.Disconnected = h.disconnected },
		Joined:       func() { all.Joined = func(c *gateway.Client, room string) { h.clientIn(Joined, c, room) } },
		Left:         func() { all.Left = func(c *gateway.Client, room string) { h.clientIn(Left, c, room) } },
		Occupied:     func() { all.Occupied = func(room string) { h.inRoom(Event{Event: Occupied, Room: room}) } },
		Vacated:      func() { all.Vacated = func(room string) { h.inRoom(Event{Event: Vacated, Room: room}) } },
		Message:      func() { all.Published, all.Sent = h.published, h.sentTo },
	} {
		if slices.Contains(o.Events, kind) {
			observe()
		}
	}
	return all
}

// about begins an event about a client.
func about(kind Kind, c *gateway.Client) Event {
	return Event{Event: kind, Conn: c.ID(), User: c.User()}
}

func (h *Hooks) connected(c *gateway.Client) {
	e := about(Connected, c)
	if addr := c.Conn().ClientAddr(); addr.IsValid() {
		e.Address = addr.String()
	}
	h.tell(&e)
}

func (h *Hooks) disconnected(c *gateway.Client, err error) {
	e := about(Disconnected, c)
	var closed *molva.CloseError
	if errors.As(err, &closed) {
		e.Code, e.Reason = int(closed.Code), closed.Reason
	}
	h.tell(&e)
}

func (h *Hooks) clientIn(kind Kind, c *gateway.Client, room string) {
	e := about(kind, c)
	e.Room = room
	h.inRoom(e)
}

// inRoom tells an event if its room is one that is told of.
func (h *Hooks) inRoom(e Event) {
	if h.tellsOf(e.Room) {
		h.tell(&e)
	}
}

func (h *Hooks) tellsOf(room string) bool {
	rooms := h.current.Load().rooms
	if len(rooms) == 0 {
		return !strings.HasPrefix(room, "$")
	}
	for i := range rooms {
		if rooms[i].Match(room, "") {
			return true
		}
	}
	return false
}

func (h *Hooks) published(c *gateway.Client, p gateway.Publication) {
	if h.tellsOf(p.Room) {
		h.message(c, p)
	}
}

func (h *Hooks) sentTo(c *gateway.Client, p gateway.Publication) { h.message(c, p) }

func (h *Hooks) message(c *gateway.Client, p gateway.Publication) {
	e := about(Message, c)
	e.Time, e.Room, e.To, e.Message, e.Data, e.Reached = p.Time, p.Room, p.User, p.ID, p.Data, &p.Reached
	h.tell(&e)
}

// tell queues an event.
func (h *Hooks) tell(e *Event) {
	if e.Time == 0 {
		e.Time = time.Now().UnixMilli()
	}
	encoded, err := e.encode()
	if err != nil { // as with data that is no JSON, which the gateway lets nobody send
		h.log.Say(slog.LevelError, "an event cannot be encoded", "event", e.Event, "error", err)
		return
	}
	h.queue.push(encoded)
}
