//go:build linux

// Package client holds many connections to one server and drives them all from
// one thread: own sockets, own opening handshake, frames made beforehand, and
// every byte that comes back checked. In the steady state it allocates nothing.
package client

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/molva-ws/molva/bench/internal/netpoll"
	"github.com/molva-ws/molva/bench/internal/traffic"
)

// Target is where a fleet goes and what it says there.
type Target struct {
	Addr   netip.AddrPort
	Path   string          // of the opening handshake; empty for a server with no protocol
	Source netip.Addr      // the address to come from; the kernel's choice unless valid
	Format *traffic.Format // of all messages
	Batch  int             // messages that leave in one write at most
}

// Fleet is a set of connections to one server. It belongs to one goroutine.
type Fleet struct {
	// OnMessages is told each time messages have come back whole and right on
	// a connection, and how many.
	OnMessages func(c *Conn, n int) error

	target    Target
	handshake handshake
	poller    *netpoll.Poller
	conns     []*Conn
	begun     int // connections on their way or there
	ready     int // connections that are open
	batch     []byte
	scratch   []byte
}

const (
	eventsPerTurn = 1024
	scratchSize   = 256 << 10
	largestBatch  = 1 << 20 // bytes; a socket takes no more at once anyway
)

// New prepares a fleet of n connections and opens none.
func New(target Target, n int) (*Fleet, error) {
	poller, err := netpoll.NewPoller(eventsPerTurn)
	if err != nil {
		return nil, err
	}
	perWrite := max(min(target.Batch, largestBatch/max(target.Format.RequestLen(), 1)), 1)
	f := &Fleet{
		OnMessages: func(*Conn, int) error { return nil },
		target:     target,
		handshake:  newHandshake(target),
		poller:     poller,
		conns:      make([]*Conn, n),
		batch:      target.Format.Batch(perWrite),
		scratch:    make([]byte, scratchSize),
	}
	conns := make([]Conn, n)
	for i := range conns {
		conns[i] = Conn{ID: uint32(i), Hears: uint32(i), fleet: f, fd: -1}
		f.conns[i] = &conns[i]
	}
	return f, nil
}

// Conns are all connections, in the order of their IDs.
func (f *Fleet) Conns() []*Conn { return f.conns }

// openAtOnce is how many handshakes are under way together: enough to keep the
// server busy, less than any backlog.
const openAtOnce = 128

// Open opens all connections, in at most the given time.
func (f *Fleet) Open(limit time.Duration) error {
	began := time.Now()
	for f.ready < len(f.conns) {
		for f.begun < len(f.conns) && f.begun-f.ready < openAtOnce {
			if err := f.conns[f.begun].connect(); err != nil {
				return err
			}
			f.begun++
		}
		if err := f.Turn(time.Second); err != nil {
			return err
		}
		if time.Since(began) > limit {
			return fmt.Errorf("%d of %d connections open after %v: %w", f.ready, len(f.conns), limit, ErrTimeout)
		}
	}
	return nil
}

// Turn serves what is ready, waiting at most wait for it.
func (f *Fleet) Turn(wait time.Duration) error {
	events, err := f.poller.Wait(int(wait.Milliseconds()))
	if err != nil {
		return err
	}
	for i := range events {
		c := f.conns[events[i].Fd]
		if err := c.serve(events[i].Events); err != nil {
			return fmt.Errorf("connection %d: %w", c.ID, err)
		}
	}
	return nil
}

// Await takes turns until done says so, in at most the given time.
func (f *Fleet) Await(limit time.Duration, done func() bool) error {
	for began := time.Now(); !done(); {
		if time.Since(began) > limit {
			return ErrTimeout
		}
		if err := f.Turn(10 * time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// Run takes turns for the given time.
func (f *Fleet) Run(duration time.Duration) error {
	for end := time.Now().Add(duration); ; {
		left := time.Until(end)
		if left <= 0 {
			return nil
		}
		if err := f.Turn(min(left+time.Millisecond, 10*time.Millisecond)); err != nil {
			return err
		}
	}
}

// Settled tells whether every message that was sent has come back to its sender.
func (f *Fleet) Settled() bool {
	for _, c := range f.conns {
		if c.granted != c.Received() {
			return false
		}
	}
	return true
}

// Close cuts all connections.
func (f *Fleet) Close() {
	for _, c := range f.conns[:f.begun] {
		netpoll.Close(c.fd)
	}
	f.poller.Close()
}
