//go:build linux

// Package contest measures servers against each other: it builds them, starts each afresh on one processor, drives it
// from another, and interleaves the runs, so that whatever slows the machine for a while slows everyone.
package contest

import (
	"fmt"
	"strconv"
	"strings"
)

// Mode is a kind of load.
type Mode string

// The modes. What they count, and what a server is judged by, is in Measure.
const (
	Echo    Mode = "echo"    // every connection keeps messages under way
	Fanout  Mode = "fanout"  // one publishes, all receive
	Connect Mode = "connect" // connect, opening handshake, closing handshake, and again
	Idle    Mode = "idle"    // connections that only are there
)

// Modes are all of them.
func Modes() []Mode { return []Mode{Echo, Fanout, Connect, Idle} }

// Cell is one load: what one row of servers is compared by.
type Cell struct {
	Mode     Mode `json:"mode"`
	Size     int  `json:"size"`     // payload bytes of a message
	Conns    int  `json:"conns"`    // connections; of Connect, at the same time
	Inflight int  `json:"inflight"` // messages under way per connection, or from the publisher
	Text     bool `json:"text,omitempty"`
	Compress bool `json:"compress,omitempty"`
}

// Key names the cell in file names, notes and flags.
func (c Cell) Key() string {
	parts := []string{string(c.Mode)}
	if c.Compress {
		parts = append(parts, "compress")
	}
	if c.Text {
		parts = append(parts, "text")
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
	if c.Text {
		s += ", text"
	}
	if c.Compress {
		s += ", compressed"
	}
	return s
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
