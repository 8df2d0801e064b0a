// Package faulty has an echo server that spoils one message in many, for tests of what has to notice that.
package faulty

import (
	"bytes"
	"context"
	"math/rand/v2"
	"sync/atomic"

	"github.com/molva-ws/molva"
)

// A Fault is what the server does to a message, by the name under which package load tells of it.
type Fault string

// The faults.
const (
	Missing    Fault = "missing"
	Doubled    Fault = "doubled"
	OutOfOrder Fault = "out of order"
	Corrupt    Fault = "corrupt"
)

// Faults are all of them.
var Faults = []Fault{Missing, Doubled, OutOfOrder, Corrupt}

// spoiling is the state of a server. A message that is held back is its connection's value.
type spoiling struct {
	fault   Fault
	count   atomic.Uint64
	unlucky map[uint64]bool // numbers of messages; read-only once the server runs
}

// blocks is how many times a server spoils a message at most.
const blocks = 50

// NewServer returns an echo server with a fault in one of each oneIn messages, of all connections together; seed
// chooses which.
func NewServer(fault Fault, oneIn, seed uint64) *molva.Server {
	s := &spoiling{fault: fault, unlucky: make(map[uint64]bool)}
	random := rand.New(rand.NewPCG(seed, 0))
	for block := range uint64(blocks) {
		s.unlucky[block*oneIn+random.Uint64N(oneIn)] = true
	}
	srv := &molva.Server{OnMessage: s.message}
	srv.Workers = 1
	return srv
}

func (s *spoiling) message(c *molva.Conn, m molva.Message) {
	late, waits := c.Value().(molva.Message)
	switch {
	case waits:
		c.SetValue(nil)
		echo(c, m)
		echo(c, late)
	case s.unlucky[s.count.Add(1)-1]:
		s.spoil(c, m)
	default:
		echo(c, m)
	}
}

func (s *spoiling) spoil(c *molva.Conn, m molva.Message) {
	switch s.fault {
	case Doubled:
		echo(c, m)
		echo(c, m)
	case OutOfOrder:
		m.Data = bytes.Clone(m.Data)
		c.SetValue(m)
	case Corrupt:
		m.Data = bytes.Clone(m.Data)
		m.Data[len(m.Data)-1] ^= 1
		echo(c, m)
	}
}

func echo(c *molva.Conn, m molva.Message) { c.Write(context.Background(), m) }
