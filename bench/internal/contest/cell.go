//go:build linux

// Package contest measures servers against each other: it builds them, starts each afresh on one processor, drives it
// from another, and interleaves the runs, so that whatever slows the machine for a while slows everyone.
package contest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Mode is a kind of load.
type Mode string

// The modes. What the servers of one are judged by is in [Mode.Value].
const (
	Echo    Mode = "echo"    // every connection keeps messages under way
	Fanout  Mode = "fanout"  // one publishes, all receive
	Connect Mode = "connect" // connect, opening handshake, closing handshake, and again
	Idle    Mode = "idle"    // connections that only are there
)

// Modes are all of them.
func Modes() []Mode { return []Mode{Echo, Fanout, Connect, Idle} }

// Cell is one load: what one table of servers is compared by.
type Cell struct {
	Mode     Mode   `json:"mode"`
	Size     int    `json:"size"`           // payload bytes of a message
	Conns    int    `json:"conns"`          // connections; of Connect, at the same time
	Inflight int    `json:"inflight"`       // messages under way per connection, or from the publisher
	Kind     string `json:"kind,omitempty"` // what is in messages: binary if empty, text or unicode
	Compress bool   `json:"compress,omitempty"`

	Only    []string `json:"only,omitempty"`    // names of those who take part; all, if empty
	Repeats int      `json:"repeats,omitempty"` // runs of each, where it is not the usual number
}

// Key names the cell in file names, notes and flags.
func (c Cell) Key() string {
	parts := []string{string(c.Mode)}
	if c.Compress {
		parts = append(parts, "compress")
	}
	if c.Kind != "" {
		parts = append(parts, c.Kind)
	}
	switch c.Mode {
	case Echo, Fanout:
		parts = append(parts, strconv.Itoa(c.Size)+"b", strconv.Itoa(c.Conns)+"c", strconv.Itoa(c.Inflight)+"f")
	case Connect, Idle:
		parts = append(parts, strconv.Itoa(c.Conns)+"c")
	}
	return strings.Join(parts, "-")
}

// String says it in words.
func (c Cell) String() string {
	conns := Thousands(c.Conns) + " connections"
	switch c.Mode {
	case Connect:
		return conns + " at a time"
	case Idle:
		return conns
	}
	s := fmt.Sprintf("%s, %s, %d in flight", Bytes(c.Size), conns, c.Inflight)
	if c.Kind != "" {
		s += ", " + c.Kind
	}
	if c.Compress {
		s += ", compressed"
	}
	return s
}

// invites tells whether a contender takes part.
func (c Cell) invites(s *Contender) bool { return len(c.Only) == 0 || slices.Contains(c.Only, s.Name) }

// repeats is the number of runs of each, where usual is that of other cells.
func (c Cell) repeats(usual int) int {
	if c.Repeats > 0 {
		return min(c.Repeats, usual)
	}
	return usual
}

// Bytes writes a size as people say it: 128 B, 64 KiB.
func Bytes(n int) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return strconv.Itoa(n>>20) + " MiB"
	case n >= 1<<10 && n%(1<<10) == 0:
		return strconv.Itoa(n>>10) + " KiB"
	}
	return strconv.Itoa(n) + " B"
}

// Thousands writes a number with commas: 10,000.
func Thousands(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
