package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// serve serves at all doors until the context ends or one of them breaks.
func (r *serving) serve(ctx context.Context) error {
	g, d := r.server.Gateway, r.doors
	ended := make(chan error, len(d.web)+1)
	for _, l := range d.web {
		go func() { ended <- g.Serve(l) }()
	}
	if d.socket != nil {
		go func() { ended <- g.ServeSocket(d.socket) }()
	}
	hangups, stop := r.onHangup()
	defer stop()
	if r.certificates != nil {
		go r.certificates(ctx)
	}
	r.notify("READY=1")
	for {
		select {
		case err := <-ended:
			r.server.Shutdown(canceled())
			return fmt.Errorf("a listener broke: %w", err)
		case <-hangups:
			r.reloadForSignal()
		case <-ctx.Done():
			return r.stop()
		}
	}
}

// canceled returns a context for what must not take time.
func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// stop lets what was accepted come to its end.
func (r *serving) stop() error {
	r.notify("STOPPING=1")
	g, drain := r.server.Gateway, r.server.Running().Drain
	began := time.Now()
	r.log.Info("stopping: clients are told to come back later; a second signal ends it at once",
		"conns", g.WebSocket.Stats().Conns, "at_most", drain.String())
	ctx, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- r.server.Shutdown(ctx) }()
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		select {
		case err := <-stopped:
			return r.stopped(err, time.Since(began), drain)
		case <-tick.C:
			r.log.Info("waiting for clients to take what was sent and to say goodbye", "conns", g.WebSocket.Stats().Conns)
		}
	}
}

func (r *serving) stopped(err error, took, drain time.Duration) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stopped after %v, before every client had said goodbye; --drain gives them longer", drain)
	}
	if err != nil {
		return fmt.Errorf("stopped, but not in good order: %w", err)
	}
	r.log.Info("stopped", "took", took.Round(time.Millisecond).String())
	return nil
}
