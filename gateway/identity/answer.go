package identity

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/molva-ws/molva/gateway"
)

// parseAnswer reads what the application says of a client. The error tells its developer what is wrong, and quotes
// nothing but names of fields.
func parseAnswer(data []byte, names gateway.Limits, now time.Time) (*Grant, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil || fields == nil {
		return nil, errors.New("it is no JSON object")
	}
	g := &Grant{By: ByApplication}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if err := g.set(name, fields[name], now); err != nil {
			return nil, err
		}
	}
	if !names.ValidUser(g.User) {
		return nil, errors.New("user is missing, or can be no name: it has to be a string of UTF-8 without control " +
			"characters, not too long and not beginning with $; say 401 of whom the application does not know")
	}
	return g, nil
}

// set takes one field over.
func (g *Grant) set(name string, value json.RawMessage, now time.Time) (err error) {
	switch name {
	case "user":
		if json.Unmarshal(value, &g.User) != nil {
			return errors.New("user has to be a string, also where it looks like a number")
		}
	case "rooms":
		g.Join, err = patternsIn(name, value)
	case "publish":
		g.Publish, err = patternsIn(name, value)
	case "note":
		g.Note = compact(value)
	case "expires":
		g.Expires, err = timeIn(value, now)
	default:
		return fmt.Errorf("it has a field %.40q; those that are known are user, rooms, publish, note, expires", name)
	}
	return err
}

// patternsIn reads a field that is an array of patterns, or null.
func patternsIn(name string, value json.RawMessage) ([]string, error) {
	var patterns []*string
	if json.Unmarshal(value, &patterns) != nil || slices.Contains(patterns, nil) {
		return nil, fmt.Errorf("%s has to be an array of strings", name)
	}
	texts := make([]string, len(patterns))
	for i, p := range patterns {
		texts[i] = *p
	}
	if err := checkPatterns(texts); err != nil {
		return nil, fmt.Errorf("%s %w", name, err)
	}
	return texts, nil
}

// farthest is the last millisecond that can be said everywhere: that of the year 9999.
const farthest = 253402300799999

// timeIn reads when the connection ends, or null for never.
func timeIn(value json.RawMessage, now time.Time) (time.Time, error) {
	var ms *int64
	if json.Unmarshal(value, &ms) != nil || ms != nil && *ms > farthest {
		return time.Time{}, errors.New("expires has to be a whole number, of milliseconds since 1970")
	}
	if ms == nil {
		return time.Time{}, nil
	}
	at := time.UnixMilli(*ms)
	if !at.After(now) {
		return time.Time{}, errors.New("expires has passed already; it is counted in milliseconds since 1970, not in seconds")
	}
	return at, nil
}

// compact returns a note without spaces, nil for null.
func compact(value json.RawMessage) json.RawMessage {
	var out bytes.Buffer
	if json.Compact(&out, value) != nil || out.String() == "null" {
		return nil
	}
	return bytes.Clone(out.Bytes())
}
