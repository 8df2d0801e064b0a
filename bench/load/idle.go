//go:build linux

package main

import (
	"fmt"
	"time"

	"github.com/molva-ws/molva/bench/internal/client"
)

// sampleSize is how many of the held connections must show that they live.
const sampleSize = 1000

// idle holds the connections, takes the server's memory, and then has a sample
// spread over all of them echo one message each.
func idle(c *config, fleet *client.Fleet, r *Result) error {
	if err := fleet.Run(c.hold); err != nil {
		return err
	}
	var err error
	if r.ServerRSS, err = memory(c.pids); err != nil {
		return err
	}
	e := newEchoes(c.conns, 1)
	fleet.OnMessages = e.onMessages
	e.going = false

	w, err := openWindow(c.pids)
	if err != nil {
		return err
	}
	sample := min(sampleSize, c.conns)
	for i := range sample {
		conn := fleet.Conns()[i*c.conns/sample]
		if err := e.send(conn, 1, time.Since(e.began)); err != nil {
			return fmt.Errorf("connection %d: %w", conn.ID, err)
		}
	}
	if err := e.finish(fleet, c.limit); err != nil {
		return err
	}
	return w.close(r, e.returned, &e.latency)
}
