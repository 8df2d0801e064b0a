package console

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/molva-ws/molva"
)

const commandHelp = `each line is sent as a text message, but for these:
/ping                   measure the round trip
/binary HEX             send bytes: /binary 00 ff 10
/close [CODE] [REASON]  close the connection: /close 4000 enough
/help                   show this
//TEXT                  send /TEXT
Ctrl-R shows again what you are typing, Ctrl-U drops it, Ctrl-D closes.
A terminal takes lines of up to 4095 bytes; pipe longer ones.`

// command does what a line says that begins with a slash.
func (s *session) command(ctx context.Context, line string) error {
	name, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	switch name {
	case "ping":
		go s.ping(ctx)
	case "binary":
		return s.sendHex(ctx, []byte(rest))
	case "close":
		return s.closeCommand(rest)
	case "help":
		s.screen.notice("%s", commandHelp)
	default:
		s.screen.notice("there is no command /%s; /help lists them, and //%s sends the line", name, line)
	}
	return nil
}

const pongTimeout = 10 * time.Second

func (s *session) ping(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, pongTimeout)
	defer cancel()
	if s.opts.Verbose {
		s.screen.event("ping")
	}
	took, err := s.conn.Ping(ctx)
	switch {
	case err == nil:
		s.screen.notice("pong after %s", rounded(took))
	case ctx.Err() == context.DeadlineExceeded:
		s.screen.notice("no pong within %s", pongTimeout)
	}
}

// rounded leaves three or four digits.
func rounded(d time.Duration) time.Duration {
	switch {
	case d < time.Millisecond:
		return d.Round(time.Microsecond)
	case d < time.Second:
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(time.Millisecond)
}

// closeCommand reads a code and a reason, both of which may be missing.
func (s *session) closeCommand(args string) error {
	order := leave(nil)
	if args == "" {
		return order
	}
	number, reason, _ := strings.Cut(args, " ")
	code, err := strconv.ParseUint(number, 10, 16)
	if err != nil {
		return &inputError{s.in.number, "has no close code: /close 1000 " + args}
	}
	order.code, order.reason = molva.CloseCode(code), strings.TrimSpace(reason)
	if !order.code.Sendable() {
		return &inputError{s.in.number, "has a close code that may not be sent; 1000 and 4000 to 4999 are for you"}
	}
	return order
}
