// Command molva pushes messages from a web application to its users over WebSockets, and has the tools to look at
// WebSocket servers and to measure them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// commands is what can be typed after molva.
type commands struct {
	Serve   serveCmd   `cmd:"" help:"Serve WebSockets to browsers, and take messages for them from the application."`
	Config  configCmd  `cmd:"" help:"Print the settings that hold, or check a file with them."`
	Reload  reloadCmd  `cmd:"" help:"Have the server on this machine read its settings again."`
	Send    sendCmd    `cmd:"" help:"Send a message to a user, to a room or to everyone."`
	Connect connectCmd `cmd:"" help:"Talk to any WebSocket server, by hand or through pipes."`
	Bench   benchCmd   `cmd:"" help:"Measure any WebSocket server, and check all that it says."`

	Version kong.VersionFlag `help:"Print the version and exit."`
}

// Exit codes of every command.
const (
	exitFailed   = 1 // what was asked for could not be done
	exitUsage    = 2 // what was asked for is not clear
	exitNobody   = 3 // send --require-delivery reached nobody
	exitCanceled = 130
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second interrupt ends the process at once
	code := run(ctx, os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr})
	os.Exit(code)
}

// streams is where a command reads from and writes to.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// exitError makes molva end with a code of its own. An empty text prints nothing.
type exitError struct {
	code int
	text string
}

func (e *exitError) Error() string { return e.text }

// run runs the command in args and returns its exit code.
func run(ctx context.Context, args []string, s streams) (code int) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var exited *int
	parser, err := kong.New(new(commands),
		kong.Name("molva"),
		kong.Description("WebSockets for any web application: one line, and user 42 sees it."),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Writers(s.out, s.err),
		kong.Exit(func(code int) { exited = &code }),
		kong.Vars{"version": version()},
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(s),
		settingsVariables(),
	)
	if err != nil {
		fmt.Fprintln(s.err, "molva:", err)
		return exitFailed
	}
	command, err := parser.Parse(args)
	if exited != nil { // --help or --version
		return *exited
	}
	if err != nil {
		fmt.Fprintf(s.err, "molva: %v; %s --help lists what there is\n", err, commandOf(err))
		return exitUsage
	}
	return exitCode(command.Run(), s.err)
}

// commandOf returns the command that was typed, as far as it could be read.
func commandOf(err error) string {
	var wrong *kong.ParseError
	if errors.As(err, &wrong) {
		if node := wrong.Context.Selected(); node != nil {
			return node.FullPath()
		}
	}
	return "molva"
}

// exitCode says what went wrong and returns the code for it.
func exitCode(err error, stderr io.Writer) int {
	if err == nil {
		return 0
	}
	if text := err.Error(); text != "" {
		fmt.Fprintln(stderr, "molva:", text)
	}
	var own *exitError
	switch {
	case errors.As(err, &own):
		return own.code
	case errors.Is(err, context.Canceled):
		return exitCanceled
	}
	return exitFailed
}
