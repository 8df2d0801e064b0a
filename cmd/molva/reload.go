package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/molva-ws/molva/gateway/api"
)

// reloadCmd is molva reload.
type reloadCmd struct {
	Socket  string        `placeholder:"PATH" help:"Local socket of the server, as it was given to molva serve, or MOLVA_SOCKET."`
	Key     string        `placeholder:"KEY" env:"MOLVA_KEY" help:"Key for a socket on TCP; better in the environment than here."`
	Timeout time.Duration `default:"10s" help:"How long it may take. Default: ${default}."`
	Output  string        `enum:"text,json" default:"text" help:"What to print: ${enum}, which is the answer of the server."`
}

// Help is shown by --help.
func (c *reloadCmd) Help() string {
	return `The server reads its file again, says what has changed, what takes effect at once and what needs a restart. If there
is a mistake in the file, it goes on as before; that exits with 1. SIGHUP does the same, and the server's log tells
what came of it.`
}

// Run asks the server.
func (c *reloadCmd) Run(ctx context.Context, s streams) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	way := sendCmd{Socket: c.Socket, Key: c.Key}
	server, err := way.dial(ctx)
	if err != nil {
		return err
	}
	defer server.Close()
	answer, err := server.Do(ctx, &api.Command{Command: "reload"})
	if err != nil {
		return way.explain(err)
	}
	if c.Output == "json" {
		if err := printJSON(s.out, answer); err != nil {
			return err
		}
	}
	switch {
	case !answer.OK && answer.Error == api.ErrBadConfig:
		return fmt.Errorf("the server goes on as before:\n%s", answer.Message)
	case !answer.OK:
		return way.refused(answer)
	}
	if c.Output == "text" {
		report(s.out, answer.Reloaded)
	}
	return nil
}

// report says what came of it.
func report(out io.Writer, r *api.Reloaded) {
	if r == nil || len(r.Changed) == 0 {
		fmt.Fprintln(out, "read again; nothing has changed")
		return
	}
	for _, c := range r.Changed {
		effect := "now"
		if c.Restart {
			effect = "needs a restart"
		}
		fmt.Fprintf(out, "%-16s %s: %s -> %s\n", effect, c.Key, c.From, c.To)
	}
}
