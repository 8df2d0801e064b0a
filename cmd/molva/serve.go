package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"sync"

	"github.com/alecthomas/kong"

	"github.com/molva-ws/molva/gateway/config"
	"github.com/molva-ws/molva/internal/machine"
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
	r, err := newServing(loader, loaded, d, s.err)
	if err != nil {
		return err
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
	loader *config.Loader
	doors  *doors
	start  *announcement
	log    *slog.Logger
	server *config.Server

	certificates func(context.Context) // has them made; nil if nobody is asked for any

	reloading sync.Mutex // held while the configuration is read again
}

// newServing makes a server behind the doors, which speak TLS afterwards if they should.
func newServing(loader *config.Loader, loaded *config.Settings, d *doors, stderr io.Writer) (*serving, error) {
	level := new(slog.LevelVar)
	level.Set(loaded.Log.Level)
	r := &serving{loader: loader, doors: d, start: announce(loaded, d), log: newLogger(loaded.Log.Format, level, stderr)}
	encryption, err := loaded.Encryption(r.log)
	if err != nil {
		return nil, err
	}
	if encryption != nil {
		d.encrypt(encryption.Config)
		d.hosts = append(d.hosts, loaded.TLS.ACME...)
		r.certificates = encryption.Keep
	}
	r.server, err = loaded.NewServer(config.Own{
		Key:    r.start.key,
		Hosts:  d.hosts,
		Hints:  r.start.hints(),
		Listen: d.addresses(),
		Level:  level,
		Logger: r.log,
	})
	if err != nil {
		return nil, err
	}
	r.server.Gateway.Reload = r.reloadForCommand
	return r, nil
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
		open:    !loaded.Auth.On(),
		tls:     loaded.TLS.On(),
		console: loaded.Console,
		socket:  d.socketAddress(),
		flag:    loaded.Socket,
		who:     whoMayComeIn(&loaded.Auth),
		limits:  limitsThatHold(&loaded.Limits),
		short:   machine.Of().Shortages(loaded.Limits.Conns),
	}
	if names := loaded.TLS.ACME; len(names) > 0 {
		a.name = names[0]
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
