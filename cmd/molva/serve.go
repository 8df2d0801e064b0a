package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"

	"github.com/alecthomas/kong"

	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/config"
)

// serveCmd is molva serve.
type serveCmd struct {
	settings
}

// Help is shown by --help.
func (c *serveCmd) Help() string {
	return `Without any flag it listens on this machine only, lets everybody be whom they like, and prints the
address of a page to try it with and the next line to type. Every flag can be set in the environment or in a file instead;
molva config prints all that holds, as such a file.`
}

// Run serves until the context ends.
func (c *serveCmd) Run(k *kong.Context, ctx context.Context, s streams) error {
	loader := c.loader(k)
	loaded, err := loadSettings(loader)
	if err != nil {
		return err
	}
	d, err := openDoors(loaded)
	if err != nil {
		return err
	}
	defer d.close()
	r := newServing(loader, loaded, d, s.err)
	encryption, err := loaded.ServerTLS(r.log)
	if err != nil {
		return err
	}
	if encryption != nil {
		d.encrypt(encryption)
	}
	if loaded.Log.Format == "json" {
		r.start.log(r.log)
	} else {
		r.start.print(s)
	}
	return r.serve(ctx)
}

// serving is a server that runs.
type serving struct {
	loader  *config.Loader
	doors   *doors
	start   *announcement
	log     *slog.Logger
	level   *slog.LevelVar
	gateway *gateway.Gateway
	reload  reloading
}

func newServing(loader *config.Loader, loaded *config.Settings, d *doors, stderr io.Writer) *serving {
	r := &serving{loader: loader, doors: d, level: new(slog.LevelVar), start: announce(loaded, d)}
	r.level.Set(loaded.Log.Level)
	r.log = newLogger(loaded.Log.Format, r.level, stderr)
	r.gateway = loaded.Gateway(r.log)
	r.gateway.Reload = r.reloadForCommand
	r.gateway.Hints = r.start.hints()
	p := loaded.Policy(r.start.key, d.hosts)
	r.gateway.Keys, r.gateway.Hosts = p.Keys, p.Hosts
	r.reload.running = loaded
	return r
}

func newLogger(format string, level slog.Leveler, stderr io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(stderr, options))
	}
	return slog.New(slog.NewTextHandler(stderr, options))
}

// announce puts together what is said at the start.
func announce(loaded *config.Settings, d *doors) *announcement {
	a := &announcement{
		program: invocation(),
		listen:  d.addresses(),
		open:    true, // nothing here makes a client prove who it is
		local:   !loaded.Open,
		tls:     loaded.TLS.On(),
		console: loaded.Console,
		socket:  d.socketAddress(),
		flag:    loaded.Socket,
	}
	if len(loaded.APIKeys()) == 0 {
		a.key = rand.Text()
	}
	return a
}

// usage makes an error that ends molva as wrong flags do.
func usage(format string, args ...any) error {
	return &exitError{code: exitUsage, text: fmt.Errorf(format, args...).Error()}
}
