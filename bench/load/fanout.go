//go:build linux

package main

import (
	"fmt"
	"time"

	"github.com/molva-ws/molva/bench/internal/client"
	"github.com/molva-ws/molva/bench/internal/stats"
)

// broadcast has one connection publish, with a number of messages under way,
// and every other receive. A message is done when the last has it; its latency
// for each receiver runs from its publishing. Whether the publisher hears itself
// is the server's choice.
type broadcast struct {
	publisher  *client.Conn
	receivers  uint32
	began      time.Time
	stamps     []time.Duration // when message s was published
	arrived    []uint32        // receivers that have message s
	latency    stats.Histogram
	deliveries uint64
	done       uint32 // messages that all receivers have
	going      bool
}

func newBroadcast(fleet *client.Fleet, inflight int) *broadcast {
	conns := fleet.Conns()
	b := &broadcast{
		publisher: conns[0],
		receivers: uint32(len(conns) - 1),
		began:     time.Now(),
		stamps:    make([]time.Duration, inflight),
		arrived:   make([]uint32, inflight),
		going:     true,
	}
	for _, c := range conns {
		c.Hears = b.publisher.ID
	}
	fleet.OnMessages = b.onMessages
	return b
}

func (b *broadcast) slot(sequence uint32) int { return int(sequence % uint32(len(b.stamps))) }

func (b *broadcast) publish(n int) error {
	first, now := b.publisher.Granted(), time.Since(b.began)
	for i := range uint32(n) {
		slot := b.slot(first + i)
		b.stamps[slot], b.arrived[slot] = now, 0
	}
	return b.publisher.Send(n)
}

func (b *broadcast) onMessages(c *client.Conn, n int) error {
	if c.Received() > b.publisher.Granted() {
		return client.ErrUnasked
	}
	if c == b.publisher {
		return nil
	}
	now := time.Since(b.began)
	first := c.Received() - uint32(n)
	finished := 0
	for i := range uint32(n) {
		slot := b.slot(first + i)
		b.latency.Record(now - b.stamps[slot])
		if b.arrived[slot]++; b.arrived[slot] == b.receivers {
			finished++
		}
	}
	b.deliveries += uint64(n)
	b.done += uint32(finished)
	if finished == 0 || !b.going {
		return nil
	}
	return b.publish(finished)
}

func (b *broadcast) settled() bool { return b.done == b.publisher.Granted() }

func fanout(c *config, fleet *client.Fleet, r *Result) error {
	b := newBroadcast(fleet, c.inflight)
	if err := b.publish(c.inflight); err != nil {
		return err
	}
	if err := fleet.Run(c.warmup); err != nil {
		return err
	}
	b.latency, b.deliveries = stats.Histogram{}, 0
	w, err := openWindow(c.pids)
	if err != nil {
		return err
	}
	if err := c.measure(fleet, &b.deliveries); err != nil {
		return err
	}
	if err := w.close(r, b.deliveries, &b.latency); err != nil {
		return err
	}
	b.going = false
	if err := fleet.Await(c.limit, b.settled); err != nil {
		return fmt.Errorf("%w: %w", client.ErrIncomplete, err)
	}
	return nil
}
