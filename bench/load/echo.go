//go:build linux

package main

import (
	"fmt"
	"time"

	"github.com/molva-ws/molva/bench/internal/client"
	"github.com/molva-ws/molva/bench/internal/stats"
)

// echoes keeps a number of messages under way on each connection. A message's
// latency runs from when it was meant to leave, so that waiting for room in
// the socket counts.
type echoes struct {
	began    time.Time
	inflight uint32
	stamps   []time.Duration // when message s of connection c was meant to leave
	latency  stats.Histogram
	returned uint64
	going    bool // a message that returns is followed by a new one
}

func newEchoes(conns, inflight int) *echoes {
	return &echoes{
		began:    time.Now(),
		inflight: uint32(inflight),
		stamps:   make([]time.Duration, conns*inflight),
		going:    true,
	}
}

func (e *echoes) stamp(c *client.Conn, sequence uint32) *time.Duration {
	return &e.stamps[c.ID*e.inflight+sequence%e.inflight]
}

// send sends n more messages on a connection.
func (e *echoes) send(c *client.Conn, n int, now time.Duration) error {
	first := c.Granted()
	for i := range uint32(n) {
		*e.stamp(c, first+i) = now
	}
	return c.Send(n)
}

// onMessages takes n messages that came back, and replaces them.
func (e *echoes) onMessages(c *client.Conn, n int) error {
	now := time.Since(e.began)
	first := c.Received() - uint32(n)
	for i := range uint32(n) {
		e.latency.Record(now - *e.stamp(c, first+i))
	}
	e.returned += uint64(n)
	if !e.going {
		return nil
	}
	return e.send(c, n, now)
}

// restart forgets what was measured so far.
func (e *echoes) restart() {
	e.latency = stats.Histogram{}
	e.returned = 0
}

// finish sends nothing new and waits for what is under way.
func (e *echoes) finish(fleet *client.Fleet, limit time.Duration) error {
	e.going = false
	if err := fleet.Await(limit, fleet.Settled); err != nil {
		return fmt.Errorf("%w: %w", client.ErrIncomplete, err)
	}
	return nil
}

func echo(c *config, fleet *client.Fleet, r *Result) error {
	e := newEchoes(c.conns, c.inflight)
	fleet.OnMessages = e.onMessages
	for _, conn := range fleet.Conns() {
		if err := e.send(conn, c.inflight, time.Since(e.began)); err != nil {
			return err
		}
	}
	if err := fleet.Run(c.warmup); err != nil {
		return err
	}
	e.restart()
	w, err := openWindow(c.pids)
	if err != nil {
		return err
	}
	if err := c.measure(fleet, &e.returned); err != nil {
		return err
	}
	if err := w.close(r, e.returned, &e.latency); err != nil {
		return err
	}
	return e.finish(fleet, c.limit)
}

// measure runs so long, or until so many messages were counted, as was asked
// for. Counting fails when nothing at all comes back for the time limit.
func (c *config) measure(fleet *client.Fleet, counted *uint64) error {
	if c.messages == 0 {
		return fleet.Run(c.duration)
	}
	for *counted < c.messages {
		before := *counted
		if err := fleet.Await(c.limit, func() bool { return *counted > before }); err != nil {
			return err
		}
	}
	return nil
}
