package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/molva-ws/molva/gateway/api"
	"github.com/molva-ws/molva/gateway/remote"
)

// sendCmd is molva send.
type sendCmd struct {
	Message typed `arg:"" optional:"" help:"What to say. Without it, each line of standard input is a message."`

	User string `xor:"to" placeholder:"NAME" help:"To a user, in every tab that is open."`
	Room string `xor:"to" placeholder:"NAME" help:"To everyone in a room."`
	All  bool   `xor:"to" help:"To everyone."`

	JSON            bool   `name:"json" help:"Messages are JSON values. Without it they are text."`
	RequireDelivery bool   `help:"Exit with 3 if a message reached nobody."`
	IdempotencyKey  string `placeholder:"KEY" help:"The same key again within ten minutes sends nothing."`

	Socket  string        `placeholder:"PATH" help:"Local socket of the server, as it was given to molva serve, or MOLVA_SOCKET."`
	URL     string        `name:"url" placeholder:"URL" env:"MOLVA_URL" help:"Send by HTTP instead, as to https://example.com."`
	Key     string        `placeholder:"KEY" env:"MOLVA_KEY" help:"Key for that; better in the environment than here."`
	Timeout time.Duration `default:"10s" help:"How long one message may take. Default: ${default}."`

	Output string `enum:"text,json" default:"text" help:"What to print: ${enum}, which is the answer to each message on a line."`
	Quiet  bool   `short:"q" help:"Print nothing but errors."`
}

// Help is shown by --help.
func (c *sendCmd) Help() string {
	return `It finds a server that runs on this machine by its local socket:

  molva send --user 42 "hi"
  molva send --room lobby --json '{"text":"hi"}'
  tail -f app.log | molva send --room logs
  molva send --url https://example.com --all "We are back in five minutes."

It prints how many connections were reached; a user has one for each open tab. It exits with 0 if the server took every
message, 1 if it did not, 2 if the flags are wrong, and 3 with --require-delivery if a message reached nobody.`
}

// maxLine is how many bytes a message may have here, before the server is asked.
const maxLine = 1 << 20

// Run sends what was typed, or all of standard input.
func (c *sendCmd) Run(ctx context.Context, s streams) error {
	if c.User == "" && c.Room == "" && !c.All {
		return usage("say to whom: --user NAME, --room NAME or --all; an empty name is nobody's")
	}
	if c.Timeout <= 0 {
		return usage("--timeout is a time above 0, such as 10s")
	}
	if !c.Message.given && c.IdempotencyKey != "" {
		return usage("--idempotency-key is for one message, and standard input has many")
	}
	var message json.RawMessage
	if c.Message.given {
		var err error
		if message, err = encodeMessage(c.Message.text, c.JSON); err != nil {
			return usage("%w", err)
		}
	}
	dialing, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	server, err := c.dial(dialing)
	if err != nil {
		return err
	}
	defer server.Close()
	if !c.Message.given {
		return newStream(c, s).run(ctx, server)
	}
	return c.sendOne(ctx, server, message, s.out)
}

// command returns the command that sends a message.
func (c *sendCmd) command(message json.RawMessage) *api.Command {
	return &api.Command{User: c.User, Room: c.Room, All: c.All, Message: message, Key: c.IdempotencyKey}
}

func (c *sendCmd) sendOne(ctx context.Context, server *remote.Gateway, message json.RawMessage, out io.Writer) error {
	limited, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	answer, err := server.Do(limited, c.command(message))
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("the server did not answer within %v; whether the message was sent is not known", c.Timeout)
	case err != nil:
		return c.explain(err)
	}
	if c.Output == "json" && !c.Quiet {
		if err := printJSON(out, answer); err != nil {
			return err
		}
	}
	if !answer.OK {
		return c.refused(answer)
	}
	reached := reachedBy(answer)
	if c.Output == "text" && !c.Quiet {
		fmt.Fprintln(out, c.report(reached))
	}
	if reached == 0 && c.RequireDelivery {
		return &exitError{code: exitNobody}
	}
	return nil
}

// report says whom a message has reached.
func (c *sendCmd) report(reached int) string {
	if reached > 0 {
		return "reached " + count(reached, "connection")
	}
	switch {
	case c.User != "":
		return fmt.Sprintf("reached nobody: user %s is not connected", c.User)
	case c.Room != "":
		return fmt.Sprintf("reached nobody: room %s is empty", c.Room)
	}
	return "reached nobody: no one is connected"
}

func reachedBy(a *api.Answer) int {
	if a.Reached == nil {
		return 0
	}
	return *a.Reached
}

func printJSON(out io.Writer, answer *api.Answer) error {
	line, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	_, err = out.Write(append(line, '\n'))
	return err
}

// count says a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%s %ss", grouped(n), thing)
}

// grouped writes a number with a comma before each three digits.
func grouped(n int) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
