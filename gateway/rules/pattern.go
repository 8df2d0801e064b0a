package rules

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Pattern stands for names of rooms. It is a name itself, in which
//
//   - stands for one or more characters other than the dot
//     **      stands for one or more characters of any kind
//     {user}  stands for the client's own name, whatever is in it
//
// so that chat.* is chat.cats but not chat.cats.old, and user.{user} is user.42 for the user 42 alone. Neither * nor **
// takes the sign $ at the beginning of a name: those are the gateway's own, and a pattern means them only if it begins
// with $ itself. The signs *, { and } cannot stand for themselves.
//
// A Pattern is a value like a string. The zero Pattern matches nothing.
type Pattern struct {
	text  string
	parts []part
}

// part is a piece of a pattern.
type part struct {
	kind kind
	text string // of a literal
}

type kind uint8

const (
	literal kind = iota
	word         // *
	rest         // **
	own          // {user}
)

// maxPattern bounds a pattern, in bytes, so that one from a token cannot make matching slow.
const maxPattern = 256

// ParsePattern reads a pattern. The error is a [*PatternError].
func ParsePattern(text string) (Pattern, error) {
	if reason := unfit(text); reason != "" {
		return Pattern{}, &PatternError{text, reason}
	}
	parts, reason := appendParts(nil, text)
	if reason != "" {
		return Pattern{}, &PatternError{text, reason}
	}
	return Pattern{text, parts}, nil
}

// appendParts takes a text apart. reason says what is wrong with it.
func appendParts(parts []part, text string) (all []part, reason string) {
	for text != "" {
		next, size, reason := nextPart(text)
		if n := len(parts); reason == "" && n > 0 && touches(parts[n-1].kind, next.kind) {
			reason = "* beside {user} would give a user the rooms of others; put a dot between them"
		}
		if reason != "" {
			return nil, reason
		}
		parts = append(parts, next)
		text = text[size:]
	}
	return parts, ""
}

// unfit says what keeps a text from being a pattern, whatever signs it has; "" is nothing.
func unfit(text string) string {
	switch {
	case text == "":
		return "it is empty; ** stands for all rooms"
	case len(text) > maxPattern:
		return "it is longer than " + strconv.Itoa(maxPattern) + " bytes"
	case !utf8.ValidString(text):
		return "it is not UTF-8"
	case strings.ContainsFunc(text, unicode.IsControl):
		return "it has a control character, which no room's name has"
	}
	return ""
}

// nextPart cuts the first part off text. reason says what is wrong with it.
func nextPart(text string) (next part, size int, reason string) {
	const user = "{user}"
	switch text[0] {
	case '*':
		switch stars := len(text) - len(strings.TrimLeft(text, "*")); stars {
		case 1:
			return part{kind: word}, 1, ""
		case 2:
			return part{kind: rest}, 2, ""
		default:
			return part{}, 0, "it has " + strconv.Itoa(stars) + " stars in a row; * or ** is meant"
		}
	case '{', '}':
		if !strings.HasPrefix(text, user) {
			return part{}, 0, "the only word in braces is {user}"
		}
		return part{kind: own}, len(user), ""
	}
	size = strings.IndexAny(text, "*{}")
	if size < 0 {
		size = len(text)
	}
	return part{literal, text[:size]}, size, ""
}

// touches reports whether a star stands beside {user}.
func touches(a, b kind) bool { return (a == own) != (b == own) && a != literal && b != literal }

// PatternError says why a text is no pattern.
type PatternError struct {
	Pattern string // as it was given
	Reason  string // and what to do
}

// Error returns the pattern and the reason.
func (e *PatternError) Error() string {
	shown := e.Pattern
	if len(shown) > maxPattern {
		shown = strings.ToValidUTF8(shown[:maxPattern], "") + "…"
	}
	return fmt.Sprintf("rules: %q is no pattern of rooms: %s", shown, e.Reason)
}

// String returns the pattern as it was given.
func (p Pattern) String() string { return p.text }

// MarshalText returns the pattern as it was given.
func (p Pattern) MarshalText() ([]byte, error) { return []byte(p.text), nil }

// UnmarshalText is ParsePattern.
func (p *Pattern) UnmarshalText(text []byte) error {
	read, err := ParsePattern(string(text))
	if err != nil {
		return err
	}
	*p = read
	return nil
}

// reserved reports whether p means the gateway's own names.
func (p Pattern) reserved() bool { return strings.HasPrefix(p.text, "$") }
