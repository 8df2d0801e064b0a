package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/molva-ws/molva/gateway/api"
	"github.com/molva-ws/molva/gateway/config"
)

// onHangup returns where SIGHUP is told. It is no longer when stop is called.
func (r *serving) onHangup() (hangups <-chan os.Signal, stop func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c, func() { signal.Stop(c) }
}

// reloadForSignal reads the configuration again, and leaves it to the log to tell what came of it.
func (r *serving) reloadForSignal() { r.again() }

// reloadForCommand is [gateway.Gateway.Reload].
func (r *serving) reloadForCommand(context.Context) (*api.Reloaded, error) {
	changes, err := r.again()
	if err != nil {
		return nil, err
	}
	reloaded := &api.Reloaded{File: r.loader.File, Changed: make([]api.ReloadedField, len(changes))}
	for i, c := range changes {
		reloaded.Changed[i] = api.ReloadedField{Key: c.Key, From: c.From, To: c.To, Restart: !c.Live}
	}
	return reloaded, nil
}

// again reads the configuration and does what takes effect at once. If there is a mistake in it, nothing changes.
func (r *serving) again() ([]config.Change, error) {
	r.reloading.Lock()
	defer r.reloading.Unlock()
	r.notifyReloading()
	defer r.notify("READY=1")
	var changes []config.Change
	next, err := r.loader.Load()
	if err == nil {
		changes, err = r.server.Apply(next)
	}
	if err != nil {
		r.log.Error("the configuration was not taken over; the server goes on as before", "file", r.loader.File, "error", err)
		return nil, err
	}
	r.tell(changes)
	return changes, nil
}

// tell logs what has changed.
func (r *serving) tell(changes []config.Change) {
	if len(changes) == 0 {
		log := r.log
		if r.loader.File != "" {
			log = log.With("file", r.loader.File)
		}
		log.Info("the configuration was read again; nothing has changed")
		return
	}
	for _, c := range changes {
		effect := "now"
		if !c.Live {
			effect = "at the next start"
		}
		r.log.Info("configuration changed", "key", c.Key, "from", c.From, "to", c.To, "effect", effect)
	}
}
