package config

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/molva-ws/molva/gateway/rules"
	"github.com/molva-ws/molva/internal/bytesize"
)

// Room is a rule: what clients may do in the rooms of a pattern. The first rule decides whose pattern stands for a room.
// Its fields have the names of those of [rules.Rule].
type Room struct {
	Room     string        `toml:"room" help:"Pattern of names: * stands for what has no dot, ** for anything, {user} for the client's own name."`
	Join     string        `toml:"join" help:"Who may join: granted, by a token or the application's answer, anyone, ask, which asks the application, or nobody. Default: granted."`
	Publish  string        `toml:"publish" help:"Who, of those who have joined, may publish: granted, anyone or nobody. Default: granted."`
	Direct   bool          `toml:"direct" help:"Those who are in the room together may send each other direct messages."`
	Presence bool          `toml:"presence" help:"Those who may join may see which users are there."`
	Message  bytesize.Size `toml:"message" help:"Size of a message from a client. Default: limits.message."`
	Rate     float64       `toml:"rate" help:"Messages in a second from one client. Default: limits.messages."`
	Burst    int           `toml:"burst" help:"How many of them may come at once. Default: what may come in a second."`
	Slow     string        `toml:"slow" help:"What becomes of a message for a client that is too slow: refuse, drop-oldest, latest, which keeps the newest about each subject, or disconnect. Default: limits.slow."`
}

// rulesOn reports whether rules hold. Where clients need not say who they are, and nothing is said about rooms, they may
// do everything.
func (s *Settings) rulesOn() bool { return s.Auth.On() || len(s.Rooms) > 0 || s.Direct != "" }

// rules returns the options of the package that does it.
func (s *Settings) rules() rules.Options {
	o := rules.Options{Direct: rules.Access(s.Direct), Name: s.Limits.Name, AskTimeout: s.Hooks.Timeout, Rules: make([]rules.Rule, len(s.Rooms))}
	for i := range s.Rooms {
		copyFields(&o.Rules[i], &s.Rooms[i])
	}
	return o
}

// checkRooms has the package that does it look at the rules.
func (c *checker) checkRooms() {
	s := c.settings
	names := goNames()
	for _, wrong := range s.rules().Check() {
		if wrong.Index < 0 {
			c.say(strings.ToLower(wrong.Field), "%s", wrong.Text)
			continue
		}
		path := join(element("rooms", wrong.Index), names[wrong.Field])
		line, there := s.lines[path]
		if !there { // it is left out
			line = s.lines[element("rooms", wrong.Index)]
		}
		if !c.broken[path] {
			c.problems = append(c.problems, Problem{File: s.file, Line: line, Key: path, Text: wrong.Text})
		}
	}
	if s.Hooks.AskURL == "" {
		c.checkAsk()
	}
}

// checkAsk looks for rules that want the application to be asked, though nobody says where.
func (c *checker) checkAsk() {
	for i, r := range c.settings.Rooms {
		if r.Join == string(rules.Ask) {
			path := join(element("rooms", i), "join")
			c.problems = append(c.problems, Problem{File: c.settings.file, Line: c.settings.lines[path], Key: path,
				Text: "nobody says whom to ask; set hooks.ask_url"})
		}
	}
}

// goNames returns the keys of a rule by the names of their fields.
func goNames() map[string]string {
	names := make(map[string]string)
	for key, f := range fieldsOf(reflect.TypeFor[Room]()) {
		names[f.Name] = key
	}
	return names
}

// String returns a rule as it stands in a file, without what it leaves out.
func (r Room) String() string {
	parts := []string{"room = " + quote(r.Room)}
	add := func(set bool, name, value string) {
		if set {
			parts = append(parts, name+" = "+value)
		}
	}
	add(r.Join != "", "join", quote(r.Join))
	add(r.Publish != "", "publish", quote(r.Publish))
	add(r.Direct, "direct", "true")
	add(r.Presence, "presence", "true")
	add(r.Message != 0, "message", quote(r.Message.String()))
	add(r.Rate != 0, "rate", fmt.Sprint(r.Rate))
	add(r.Burst != 0, "burst", fmt.Sprint(r.Burst))
	add(r.Slow != "", "slow", quote(r.Slow))
	return "{" + strings.Join(parts, ", ") + "}"
}
