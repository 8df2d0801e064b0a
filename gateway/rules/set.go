package rules

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway"
)

// Set is the rules of a gateway, which may be replaced while it serves. Its methods may be called from any goroutine.
type Set struct {
	sources Sources
	table   atomic.Pointer[table]
}

// Sources are whom a Set asks beside its rules. A field that is nil allows nothing.
type Sources struct {
	// Granted returns what a client's token, or the application's answer, names. It is asked each time, so that a grant
	// that was renewed takes effect at once.
	Granted func(c *gateway.Client) Grant
	// AskJoin asks the application whether a client may join a room: nil is yes. What the client is told of an error,
	// see [gateway.Rules]. It must return when the context is done.
	AskJoin func(ctx context.Context, c *gateway.Client, room string) error
}

// Grant names rooms that a client may join, and to which it may publish, by patterns. Those that are no patterns stand
// for nothing. They are not changed.
type Grant struct {
	Join    []string
	Publish []string
}

// table is the rules in a form that is quick to ask.
type table struct {
	rules []entry
	ask   time.Duration
	all   bool // everybody may send direct messages to everybody
}

type entry struct {
	pattern Pattern
	anybody Pattern // the same, whoever the client is
	Rule
}

// other is the rule for rooms without one.
var other = Rule{Join: Granted, Publish: Granted}

// New makes a set. The error joins everything that Options.Check finds, and says where the application is to be asked
// but cannot be.
func New(o Options, from Sources) (*Set, error) {
	s := &Set{sources: from}
	if err := s.Replace(o); err != nil {
		return nil, err
	}
	return s, nil
}

// Replace puts other rules in place. They hold for what clients ask from then on; nobody has to leave a room. After an
// error, which is like that of New, the rules are as they were.
func (s *Set) Replace(o Options) error {
	var all []error
	for _, e := range o.Check() {
		all = append(all, e)
	}
	for i := range o.Rules {
		if o.Rules[i].Join == Ask && s.sources.AskJoin == nil {
			all = append(all, &Error{Index: i, Field: "Join", By: -1, Err: ErrSetting,
				Text: "the application cannot be asked, as there is no address for it; give one, or choose another value"})
		}
	}
	if len(all) > 0 {
		return errors.Join(all...)
	}
	s.table.Store(newTable(o.withDefaults()))
	return nil
}

func newTable(o Options) *table {
	t := &table{ask: o.AskTimeout, all: o.Direct == Anyone}
	for _, r := range o.Rules {
		if r.Join == "" {
			r.Join = Granted
		}
		if r.Publish == "" {
			r.Publish = Granted
		}
		p, _ := ParsePattern(r.Room) // was checked
		t.rules = append(t.rules, entry{p, p.forAnybody(), r})
	}
	return t
}

// rule returns the one that decides about a room, for the client of a user.
func (t *table) rule(room, user string) *Rule {
	for i := range t.rules {
		if t.rules[i].pattern.Match(room, user) {
			return &t.rules[i].Rule
		}
	}
	return &other
}

// Of returns the rule that decides about a room for the client of a user; "" is none.
func (s *Set) Of(room, user string) Rule { return *s.table.Load().rule(room, user) }

// Slow returns what becomes of messages to a room for receivers that are too slow, whoever sends them: the first rule
// decides whose pattern stands for the room for any user.
func (s *Set) Slow(room string) Slow {
	t := s.table.Load()
	for i := range t.rules {
		if t.rules[i].anybody.Match(room, "") {
			return t.rules[i].Slow
		}
	}
	return ""
}

// slow is [gateway.Rules.Slow].
func (s *Set) slow(room string) molva.SlowPolicy { return s.Slow(room).policy() }
