package console

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/molva-ws/molva"
)

// screen is where everything is shown, a message or a line at a time. Its methods may be called from any goroutine.
type screen struct {
	opts     *Options
	terminal bool // messages go to a terminal
	both     bool // events go to a terminal, too
	escapes  bool
	colors   bool

	mu     sync.Mutex // for out, and for err where both are terminals
	prompt bool       // is shown when nothing else is
	out    *bufio.Writer

	errors sync.Mutex // for err alone: an output that nobody reads must not keep events back
	err    io.Writer

	now func() time.Time
}

const (
	clearLine  = "\r\x1b[K"
	promptText = "> "
	indent     = "  "

	colorIncoming = "36"
	colorEvent    = "90"
)

func newScreen(o *Options, s Streams) *screen {
	return &screen{
		opts:     o,
		terminal: s.OutTerminal,
		both:     s.OutTerminal && s.ErrTerminal,
		escapes:  s.Escapes,
		colors:   s.Colors,
		out:      bufio.NewWriterSize(s.Out, 64<<10),
		err:      s.Err,
		now:      time.Now,
	}
}

// startPrompt shows the prompt from now on, where it can be wiped.
func (s *screen) startPrompt() {
	if !s.escapes {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.prompt = true
	s.end()
}

// stopPrompt wipes the prompt, with what was typed and not sent.
func (s *screen) stopPrompt() {
	if !s.escapes {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begin()
	s.out.Flush()
	s.prompt = false
}

// showPrompt shows the prompt again, after a line was typed.
func (s *screen) showPrompt() {
	if !s.escapes {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begin()
	s.end()
}

// begin makes room for something. The lock is held.
func (s *screen) begin() {
	if s.prompt {
		s.out.WriteString(clearLine)
	}
}

// end shows what was written since begin. The lock is held.
func (s *screen) end() error {
	if s.prompt {
		s.out.WriteString(promptText)
	}
	return s.out.Flush()
}

// event tells of the connection's life, unless the user wants quiet.
func (s *screen) event(format string, args ...any) {
	if !s.opts.Quiet {
		s.notice(format, args...)
	}
}

// notice tells what the user has to know. What the server chose in it is made harmless, and its lines are kept.
func (s *screen) notice(format string, args ...any) {
	var line bytes.Buffer
	w := bufio.NewWriter(&line)
	if s.opts.Timestamps {
		w.WriteString(s.stamp())
	}
	w.WriteString("* ")
	writeEscaped(w, fmt.Appendf(nil, format, args...), indent)
	w.Flush()
	s.errors.Lock()
	defer s.errors.Unlock()
	if !s.both {
		fmt.Fprintf(s.err, "%s\n", line.Bytes())
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begin()
	s.out.Flush()
	fmt.Fprintf(s.err, "%s\n", s.colored(colorEvent, line.String()))
	s.end()
}

// message shows what arrived. The error is that of the output.
func (s *screen) message(m molva.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begin()
	switch {
	case s.opts.Raw:
		s.out.Write(m.Data)
	case s.terminal:
		s.show(m)
	default:
		s.pass(m)
	}
	return s.end()
}

// show writes a message for the eye.
func (s *screen) show(m molva.Message) {
	s.out.WriteString(s.colored(colorIncoming, "<") + " ")
	if s.opts.Timestamps {
		s.out.WriteString(s.stamp())
	}
	if m.Type == molva.TypeBinary {
		fmt.Fprintf(s.out, "binary, %s\n", count(len(m.Data), "byte"))
		writeDump(s.out, m.Data, indent)
		return
	}
	writeEscaped(s.out, s.pretty(m.Data), indent)
	s.out.WriteByte('\n')
}

// pass writes a message for another program: text as it is, binary in hex.
func (s *screen) pass(m molva.Message) {
	if s.opts.Timestamps {
		s.out.WriteString(s.stamp())
	}
	if m.Type == molva.TypeBinary {
		hex.NewEncoder(s.out).Write(m.Data)
	} else {
		s.out.Write(s.pretty(m.Data))
	}
	s.out.WriteByte('\n')
}

// pretty indents JSON, if that is wanted and text is some.
func (s *screen) pretty(text []byte) []byte {
	if !s.opts.Pretty {
		return text
	}
	var indented bytes.Buffer
	if json.Indent(&indented, text, "", indent) != nil {
		return text
	}
	return indented.Bytes()
}

// stamp is the time of day for the eye, and with date and zone for programs.
func (s *screen) stamp() string {
	if s.terminal {
		return s.now().Format("15:04:05.000 ")
	}
	return s.now().Format("2006-01-02T15:04:05.000Z07:00 ")
}

func (s *screen) colored(color, text string) string {
	if !s.colors {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

// count returns a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
