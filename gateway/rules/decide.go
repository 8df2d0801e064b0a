package rules

import (
	"context"
	"strconv"

	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/api"
)

// Rules returns what goes into Gateway.Rules.
func (s *Set) Rules() gateway.Rules {
	return gateway.Rules{Join: s.join, Stay: s.stay, Publish: s.publish, Send: s.send, Presence: s.presence, Slow: s.slow}
}

// What clients are told.
var (
	errJoin     = &gateway.ClientError{Code: api.ErrForbidden, Message: "you may not join this room"}
	errPublish  = &gateway.ClientError{Code: api.ErrForbidden, Message: "you may not publish to this room"}
	errSend     = &gateway.ClientError{Code: api.ErrForbidden, Message: "you may not send messages to this user"}
	errPresence = &gateway.ClientError{Code: api.ErrForbidden, Message: "who is in this room is not shown"}
	errTooFast  = &gateway.ClientError{Code: api.ErrTooFast, Message: "too many messages to this room; try again later"}
)

func (s *Set) join(c *gateway.Client, room string) error {
	t := s.table.Load()
	switch t.rule(room, c.User()).Join {
	case Anyone:
		return nil
	case Ask:
		ctx, cancel := context.WithTimeout(context.Background(), t.ask)
		defer cancel()
		return s.sources.AskJoin(ctx, c, room)
	case Granted:
		if anyMatch(s.granted(c).Join, room, c.User()) {
			return nil
		}
	}
	return errJoin
}

// stay lets go of what was granted alone. Whoever may be in a room for another reason, or was let in by the application,
// stays.
func (s *Set) stay(c *gateway.Client, room string) error {
	if s.table.Load().rule(room, c.User()).Join != Granted || anyMatch(s.granted(c).Join, room, c.User()) {
		return nil
	}
	return errJoin
}

func (s *Set) publish(c *gateway.Client, room string, data []byte) error {
	r := s.table.Load().rule(room, c.User())
	switch {
	case r.Publish == Nobody,
		r.Publish == Granted && !anyMatch(s.granted(c).Publish, room, c.User()):
		return errPublish
	case r.Message > 0 && len(data) > r.Message:
		return &gateway.ClientError{
			Code:    api.ErrTooLarge,
			Message: "data may have " + strconv.Itoa(r.Message) + " bytes in this room",
		}
	case !c.Pace(room, r.Rate, r.Burst):
		return errTooFast
	}
	return nil
}

func (s *Set) granted(c *gateway.Client) Grant {
	if s.sources.Granted == nil {
		return Grant{}
	}
	return s.sources.Granted(c)
}

// anyMatch reports whether one of the patterns of a grant stands for a room.
func anyMatch(patterns []string, room, user string) bool {
	for _, p := range patterns {
		if Match(p, room, user) {
			return true
		}
	}
	return false
}

func (s *Set) send(c *gateway.Client, user string, _ []byte) error {
	t := s.table.Load()
	if t.all || c.Meets(user, func(room string) bool { return t.rule(room, c.User()).Direct }) {
		return nil
	}
	return errSend
}

func (s *Set) presence(c *gateway.Client, room string) error {
	if s.table.Load().rule(room, c.User()).Presence {
		return nil
	}
	return errPresence
}
