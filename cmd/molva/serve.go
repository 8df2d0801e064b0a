package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/handshake"
	"github.com/molva-ws/molva/internal/console"
)

// serveCmd is molva serve.
type serveCmd struct {
	Listen  []string `placeholder:"ADDRESS" env:"MOLVA_LISTEN" help:"Address for browsers and for the HTTP API; repeat it for several. Default: 127.0.0.1:8000."`
	Open    bool     `env:"MOLVA_OPEN" help:"Let other machines connect, too: anyone may then connect as anyone."`
	Socket  string   `placeholder:"PATH" env:"MOLVA_SOCKET" help:"Local socket for commands: a path, tcp:127.0.0.1:9000, or none. Default: molva.sock in a folder of your own."`
	Key     []string `placeholder:"KEY" env:"MOLVA_KEY" help:"Key for the HTTP API; repeat it while you change it. The environment keeps it out of the list of processes. Default: made at the start, and printed."`
	Origin  []string `placeholder:"ORIGIN" env:"MOLVA_ORIGIN" help:"Whose pages may connect beside this server's own: https://app.example.com, localhost:*, or * for any; repeatable."`
	Console bool     `default:"true" negatable:"" env:"MOLVA_CONSOLE" help:"Serve the page at /, a chat and the figures."`

	MaxConns           int          `placeholder:"N" env:"MOLVA_MAX_CONNS" group:"Limits" help:"WebSockets open at a time. Default: any number."`
	MaxConnsPerAddress int          `placeholder:"N" env:"MOLVA_MAX_CONNS_PER_ADDRESS" group:"Limits" help:"Of them, from one address. Default: any number."`
	MaxMessage         console.Size `placeholder:"SIZE" default:"64KiB" env:"MOLVA_MAX_MESSAGE" group:"Limits" help:"Size of a message from a client. Default: ${default}."`

	LogFormat string        `enum:"text,json" default:"text" env:"MOLVA_LOG_FORMAT" help:"How to log to standard error: ${enum}. With json nothing else is printed."`
	LogLevel  slog.Level    `default:"info" placeholder:"LEVEL" env:"MOLVA_LOG_LEVEL" help:"What to log: debug, info, warn or error. Default: ${default}."`
	Drain     time.Duration `default:"10s" env:"MOLVA_DRAIN" help:"How long stopping may take, from SIGTERM or Ctrl+C on. Default: ${default}."`
}

// defaultListen is where molva serve listens if nothing else is said.
const defaultListen = "127.0.0.1:8000"

// Help is shown by --help.
func (c *serveCmd) Help() string {
	return `Without any flag it listens on this machine only, lets everybody be whom they like, and prints the
address of a page to try it with and the next line to type. Every flag can be set in the environment instead.`
}

// minKey is how many characters a key has at least, so that it cannot be guessed.
const minKey = 16

// Validate is called by kong.
func (c *serveCmd) Validate() error {
	for _, key := range c.Key {
		if len(key) < minKey || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return fmt.Errorf("--key: a key has at least %d letters, digits and signs, so that nobody guesses it; "+
				"openssl rand -hex 16 makes one", minKey)
		}
	}
	var bad *handshake.OriginError
	if err := handshake.ValidateOrigins(c.Origin); errors.As(err, &bad) {
		return fmt.Errorf("--origin: %q is not like https://app.example.com, *.example.com, localhost:* or *", bad.Pattern)
	}
	switch {
	case c.MaxConns < 0:
		return errors.New("--max-conns: cannot be negative; leave it out for any number")
	case c.MaxConnsPerAddress < 0:
		return errors.New("--max-conns-per-address: cannot be negative; leave it out for any number")
	case c.Drain < 0:
		return errors.New("--drain: cannot be negative")
	}
	return nil
}

// Run serves until the context ends.
func (c *serveCmd) Run(ctx context.Context, s streams) error {
	d, err := c.openDoors()
	if err != nil {
		return err
	}
	defer d.close()
	log := c.logger(s)
	start := c.announcement(d)
	g := c.gateway(d, start, log)
	if c.LogFormat == "json" {
		start.log(log)
	} else {
		start.print(s)
	}
	return c.serve(ctx, g, d, log)
}

func (c *serveCmd) logger(s streams) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(s.err, options))
	}
	return slog.New(slog.NewTextHandler(s.err, options))
}

// announcement puts together what is said at the start.
func (c *serveCmd) announcement(d *doors) *announcement {
	a := &announcement{
		program: invocation(),
		listen:  d.addresses(),
		open:    true, // nothing here makes a client prove who it is
		console: c.Console,
		socket:  d.socketAddress(),
		flag:    c.Socket,
	}
	if len(c.Key) == 0 {
		a.key = rand.Text()
	}
	return a
}

func (c *serveCmd) gateway(d *doors, a *announcement, log *slog.Logger) *gateway.Gateway {
	g := &gateway.Gateway{
		Keys:    c.Key,
		Console: c.Console,
		Hints:   gateway.Hints{Open: a.open},
		Logger:  log,
		WebSocket: molva.Server{
			Origins:   c.Origin,
			Admission: molva.Admission{Conns: c.MaxConns, ConnsPerAddr: c.MaxConnsPerAddress},
			Limits:    molva.Limits{Message: int64(c.MaxMessage)},
		},
	}
	if a.key != "" {
		g.Keys = []string{a.key}
		g.Hints.Run = rand.Text()
	}
	if !c.Open {
		g.Hosts = d.hosts
		g.Hints.Send = a.send()
		if d.socket != nil && d.socket.Addr().Network() == "unix" {
			g.Hints.Socket = a.socket
		}
	}
	return g
}

// serve serves at all doors until the context ends or one of them breaks.
func (c *serveCmd) serve(ctx context.Context, g *gateway.Gateway, d *doors, log *slog.Logger) error {
	ended := make(chan error, len(d.web)+1)
	for _, l := range d.web {
		go func() { ended <- g.Serve(l) }()
	}
	if d.socket != nil {
		go func() { ended <- g.ServeSocket(d.socket) }()
	}
	select {
	case err := <-ended:
		g.Shutdown(canceled())
		return fmt.Errorf("a listener broke: %w", err)
	case <-ctx.Done():
	}
	return c.stop(g, log)
}

// canceled returns a context for what must not take time.
func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// stop lets what was accepted come to its end.
func (c *serveCmd) stop(g *gateway.Gateway, log *slog.Logger) error {
	began := time.Now()
	conns := g.WebSocket.Stats().Conns
	log.Info("stopping: clients are told to come back later; a second signal ends it at once",
		"conns", conns, "at_most", c.Drain.String())
	ctx, cancel := context.WithTimeout(context.Background(), c.Drain)
	defer cancel()
	stopped := make(chan error, 1)
	go func() { stopped <- g.Shutdown(ctx) }()
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		select {
		case err := <-stopped:
			return c.stopped(err, time.Since(began), log)
		case <-tick.C:
			log.Info("waiting for clients to take what was sent and to say goodbye", "conns", g.WebSocket.Stats().Conns)
		}
	}
}

func (c *serveCmd) stopped(err error, took time.Duration, log *slog.Logger) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stopped after %v, before every client had said goodbye; --drain gives them longer", c.Drain)
	}
	if err != nil {
		return fmt.Errorf("stopped, but not in good order: %w", err)
	}
	log.Info("stopped", "took", took.Round(time.Millisecond).String())
	return nil
}

// usage makes an error that ends molva as wrong flags do.
func usage(format string, args ...any) error {
	return &exitError{code: exitUsage, text: fmt.Errorf(format, args...).Error()}
}
