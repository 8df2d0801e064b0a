package rules

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// What is wrong with a rule, for errors.Is.
var (
	// ErrPattern says that Room is no pattern; errors.As finds the [*PatternError].
	ErrPattern = errors.New("not a pattern")
	// ErrNeverMatches says that no room can have a name for which the pattern stands.
	ErrNeverMatches = errors.New("never matches")
	// ErrDuplicate says that an earlier rule has the same pattern.
	ErrDuplicate = errors.New("duplicate")
	// ErrShadowed says that an earlier rule decides about every room of this one.
	ErrShadowed = errors.New("shadowed")
	// ErrSetting says that a field has a value that it cannot have, or that does not go with another.
	ErrSetting = errors.New("bad setting")
)

// Error is something wrong with one of the rules.
type Error struct {
	Index int    // of the rule in Options.Rules; -1 if it is a field of Options
	Field string // of Rule or Options
	By    int    // index of the earlier rule that is in the way; -1 if there is none
	Err   error  // what is wrong, one of the above
	Text  string // what to do about it
}

// Error names the rule by its place, from 1 on, and says what to do.
func (e *Error) Error() string {
	if e.Index < 0 {
		return "rules: " + e.Field + ": " + e.Text
	}
	return fmt.Sprintf("rules: rule %d, %s: %s", e.Index+1, strings.ToLower(e.Field), e.Text)
}

// Unwrap returns what is wrong.
func (e *Error) Unwrap() error { return e.Err }

// Check returns everything that is wrong, in the order of the rules. That a rule is shadowed only by several others
// together is not found.
func (o Options) Check() []*Error {
	var c checker
	o = o.withDefaults()
	c.options(&o)
	for i := range o.Rules {
		c.rule(i, &o.Rules[i], o.Name)
	}
	return c.found
}

// checker gathers what is wrong.
type checker struct {
	found    []*Error
	index    int
	patterns []Pattern // of the rules so far; the zero Pattern for what is none
}

func (c *checker) wrong(kind error, field, format string, args ...any) {
	c.found = append(c.found, &Error{Index: c.index, Field: field, By: -1, Err: kind, Text: fmt.Sprintf(format, args...)})
}

func (c *checker) options(o *Options) {
	c.index = -1
	if o.Direct != Anyone && o.Direct != Nobody {
		c.wrong(ErrSetting, "Direct", "%q is not one of anyone, nobody", o.Direct)
	}
	if o.AskTimeout < 0 {
		c.wrong(ErrSetting, "AskTimeout", "cannot be negative; leave it out for %v", defaultAskTimeout)
	}
	if o.Name < 0 {
		c.wrong(ErrSetting, "Name", "cannot be negative; leave it out for %d", defaultName)
	}
}

func (c *checker) rule(i int, r *Rule, longest int) {
	c.index = i
	c.pattern(r.Room, longest)
	c.settings(r)
}

func (c *checker) pattern(room string, longest int) {
	p, err := ParsePattern(room)
	c.patterns = append(c.patterns, p)
	if err != nil {
		var bad *PatternError
		errors.As(err, &bad)
		c.wrong(fmt.Errorf("%w: %w", ErrPattern, err), "Room", "%q is no pattern: %s", room, bad.Reason)
		return
	}
	switch {
	case p.reserved() && !p.Match(statsRoom, ""):
		c.wrong(ErrNeverMatches, "Room", "%q begins with $, and of those names clients may join %s alone", room, statsRoom)
		return
	case p.shortest() > longest:
		c.wrong(ErrNeverMatches, "Room", "%q is longer than the name of a room may be, which is %d bytes", room, longest)
		return
	}
	c.shadow(p)
}

// statsRoom is the one reserved room that clients may join.
const statsRoom = "$stats"

// shadow looks for an earlier rule that leaves nothing to this one.
func (c *checker) shadow(p Pattern) {
	for by := range c.index {
		earlier := c.patterns[by]
		switch {
		case earlier.text == p.text:
			c.wrong(ErrDuplicate, "Room", "rule %d has the pattern %s already; remove one of them", by+1, p)
		case earlier.covers(p):
			c.wrong(ErrShadowed, "Room", "%s never decides anything, as rule %d, %s, stands for the same rooms and comes "+
				"first; move this one before it, or remove it", p, by+1, earlier)
		default:
			continue
		}
		c.found[len(c.found)-1].By = by
		return
	}
}

func (c *checker) settings(r *Rule) {
	switch r.Join {
	case "", Granted, Anyone, Ask, Nobody:
	default:
		c.wrong(ErrSetting, "Join", "%q is not one of granted, anyone, ask, nobody", r.Join)
	}
	switch r.Publish {
	case "", Granted, Anyone, Nobody:
	default:
		c.wrong(ErrSetting, "Publish", "%q is not one of granted, anyone, nobody", r.Publish)
	}
	switch r.Slow {
	case "", SlowRefuse, SlowDropOldest, SlowLatest, SlowDisconnect:
	default:
		c.wrong(ErrSetting, "Slow", "%q is not one of refuse, drop-oldest, latest, disconnect", r.Slow)
	}
	c.numbers(r)
	if r.Join == Nobody && (r.Publish == Anyone || r.Direct || r.Presence) {
		c.wrong(ErrSetting, "Join", "nobody joins, so that nobody can do there what the rule allows; "+
			"leave out publish, direct and presence, or let somebody join")
	}
}

func (c *checker) numbers(r *Rule) {
	if r.Message < 0 {
		c.wrong(ErrSetting, "Message", "cannot be negative; leave it out for what the server allows")
	}
	if r.Rate < 0 || math.IsNaN(r.Rate) || math.IsInf(r.Rate, 0) {
		c.wrong(ErrSetting, "Rate", "must be a number of messages a second; leave it out for what the server allows")
	}
	switch {
	case r.Burst < 0:
		c.wrong(ErrSetting, "Burst", "cannot be negative; leave it out for what may come in a second")
	case r.Burst > 0 && r.Rate == 0:
		c.wrong(ErrSetting, "Burst", "means nothing without rate; add one, or leave it out")
	}
}
