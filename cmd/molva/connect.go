package main

import (
	"context"
	"errors"
	"os/signal"
	"syscall"
	"time"

	"github.com/molva-ws/molva/internal/console"
)

// connectCmd is an interactive client for any WebSocket server.
type connectCmd struct {
	URL string `arg:"" help:"Where to connect: ws://localhost:8000/ws, example.com/ws or :8000/ws. Without a scheme it is ws on this machine and wss elsewhere."`

	Header      []string      `short:"H" sep:"none" placeholder:"'NAME: VALUE'" help:"Add a field to the request. May be repeated."`
	Subprotocol []string      `placeholder:"NAME" help:"Offer a subprotocol, the preferred one first. May be repeated."`
	Origin      string        `placeholder:"URL" help:"Say that a page of this origin connects, as browsers do."`
	UserAgent   string        `default:"molva" placeholder:"TEXT" help:"What to call this client. Default: ${default}."`
	Compress    bool          `help:"Offer compression (permessage-deflate)."`
	Insecure    bool          `help:"Accept any certificate. For tests only."`
	Unix        string        `type:"path" placeholder:"PATH" help:"Connect to this Unix socket instead of the URL's host."`
	Timeout     time.Duration `default:"10s" placeholder:"TIME" help:"How long the opening may take. Default: ${default}."`
	Keepalive   time.Duration `default:"60s" placeholder:"TIME" help:"Give the server up when it is silent for so long and answers no ping; 0 for never. Default: ${default}."`

	Binary     bool         `help:"Lines typed are bytes in hex."`
	Raw        bool         `xor:"pretty,stamps" help:"Write payloads as they are: no line ends, no hex, and nothing kept from the terminal."`
	Pretty     bool         `xor:"pretty" help:"Indent JSON that arrives."`
	Timestamps bool         `short:"t" xor:"stamps" help:"Tell when each message arrived."`
	Wait       console.Wait `placeholder:"TIME" help:"After the end of a piped input, how long the server has to be silent before the connection is closed; forever for until the server closes. Default: 1s, or forever with --count."`
	Count      int          `short:"n" placeholder:"N" help:"End after N messages have arrived."`
	MaxMessage console.Size `default:"64MiB" placeholder:"SIZE" help:"The largest message to receive, and the longest line to send. Default: ${default}."`
	Verbose    bool         `short:"v" help:"Show the server's handshake, and pings."`
	Quiet      bool         `short:"q" help:"Only errors on the error stream."`
}

// Help is what molva connect --help says besides the flags.
func (*connectCmd) Help() string {
	return `Each line typed is a text message, and each message that arrives is a line marked with <. On a terminal /help
lists commands: /ping, /close, /binary. Between pipes it sends each line of its input, writes one message per line
(binary ones in hex), and closes after the end of the input once the server has said nothing for a second:

  molva connect ws://localhost:8000/ws
  echo hi | molva connect :8000/ws
  molva connect -n 10 --pretty wss://example.com/feed </dev/null
  molva connect -H 'Authorization: Bearer TOKEN' --subprotocol chat example.com/ws

It ends with 0 when the connection was closed by you, or by the server with 1000, 1001 or no code; with 1 otherwise.`
}

// Run connects and talks.
func (c *connectCmd) Run(ctx context.Context, s streams) error {
	if c.Count < 0 {
		return &exitError{exitUsage, "--count is a number of messages, from 1"}
	}
	signal.Ignore(syscall.SIGPIPE) // a reader that goes away is an error to write to, and ends the connection in order
	err := console.Run(ctx, c.options(), console.NewStreams(s.in, s.out, s.err))
	var usage *console.UsageError
	switch {
	case errors.As(err, &usage):
		return &exitError{exitUsage, usage.Error()}
	case errors.Is(err, context.Canceled):
		return &exitError{exitCanceled, ""}
	case errors.Is(err, console.ErrClosed):
		return &exitError{exitFailed, ""}
	}
	return err
}

func (c *connectCmd) options() console.Options {
	return console.Options{
		Address:      c.URL,
		Header:       c.Header,
		Subprotocols: c.Subprotocol,
		Origin:       c.Origin,
		UserAgent:    c.UserAgent,
		Compress:     c.Compress,
		Insecure:     c.Insecure,
		Unix:         c.Unix,
		Timeout:      c.Timeout,
		Keepalive:    c.Keepalive,
		Binary:       c.Binary,
		Raw:          c.Raw,
		Pretty:       c.Pretty,
		Timestamps:   c.Timestamps,
		Verbose:      c.Verbose,
		Quiet:        c.Quiet,
		Wait:         c.Wait,
		Count:        c.Count,
		MaxMessage:   c.MaxMessage,
	}
}
