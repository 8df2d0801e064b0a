package rules

import (
	"slices"
	"strings"
)

// Match reports whether p stands for a room, for the client of a user; the user "" is none, for whom {user} stands for
// nothing. It allocates nothing.
func (p Pattern) Match(room, user string) bool {
	if room == "" || len(p.parts) == 0 || room[0] == '$' && !p.reserved() {
		return false
	}
	m := match{room: room, user: user, parts: p.parts}
	return m.run()
}

// forAnybody returns p with ** in place of {user}: it stands for what p stands for, whoever the client is.
func (p Pattern) forAnybody() Pattern {
	loose := Pattern{p.text, slices.Clone(p.parts)}
	for i := range loose.parts {
		if loose.parts[i].kind == own {
			loose.parts[i].kind = rest
		}
	}
	return loose
}

// Match is [Pattern.Match] for a pattern that was not read before, such as one of a grant. A text that is none stands for
// nothing.
func Match(pattern, room, user string) bool {
	if len(pattern) > maxPattern {
		return false
	}
	var few [8]part
	parts, reason := appendParts(few[:0], pattern)
	return reason == "" && Pattern{pattern, parts}.Match(room, user)
}

// match holds the parts of a pattern against a room. It goes through both from the left and lets each star take as
// little as it can. When it comes to an end it goes back to the last star that could have taken more. An earlier one
// need not be tried again: what it would take more, the later one can take as well, unless there is a dot between
// them, and then it cannot take more.
type match struct {
	room, user string
	parts      []part
	part, at   int // where it is
	word, rest star
}

// star is where to go on if a star takes one character more. The part is 0 if there is none.
type star struct{ part, at int }

func (m *match) run() bool {
	for m.part < len(m.parts) || m.at < len(m.room) {
		if !m.step() && !m.back() {
			return false
		}
	}
	return true
}

// step takes what the next part stands for, the least of it if that is a star.
func (m *match) step() bool {
	if m.part == len(m.parts) {
		return false
	}
	size := 1
	switch p := &m.parts[m.part]; p.kind {
	case literal:
		size = prefix(m.room[m.at:], p.text)
	case own:
		size = prefix(m.room[m.at:], m.user)
	case word:
		if m.at == len(m.room) || m.room[m.at] == '.' {
			return false
		}
		m.word = star{m.part + 1, m.at + 1}
	case rest:
		if m.at == len(m.room) {
			return false
		}
		m.rest, m.word = star{m.part + 1, m.at + 1}, star{}
	}
	m.part++
	m.at += size
	return size > 0
}

// prefix returns the length of what s has to begin with, 0 if it does not.
func prefix(s, with string) int {
	if !strings.HasPrefix(s, with) {
		return 0
	}
	return len(with)
}

// back lets the last star take one byte more, if there is one that can.
func (m *match) back() bool {
	from := &m.word
	if from.part == 0 || from.at == len(m.room) || m.room[from.at] == '.' {
		m.word = star{}
		if from = &m.rest; from.part == 0 || from.at == len(m.room) {
			return false
		}
	}
	from.at++
	m.part, m.at = from.part, from.at
	return true
}
