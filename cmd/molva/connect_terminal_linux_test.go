package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/molva-ws/molva"
)

// connectTerminal is a real one, of the kernel's, with molva connect on it.
type connectTerminal struct {
	t      *testing.T
	master *os.File
	done   chan int

	mu    sync.Mutex
	shown strings.Builder
	grew  chan struct{}
}

// onTerminal starts molva connect on a terminal of its own.
func onTerminal(t *testing.T, args ...string) *connectTerminal {
	t.Helper()
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "1")
	master, slave := openTerminal(t)
	term := &connectTerminal{t: t, master: master, done: make(chan int, 1), grew: make(chan struct{}, 1)}
	go term.watch()
	go func() {
		code := run(t.Context(), append([]string{"connect"}, args...), streams{slave, slave, slave})
		slave.Close()
		term.done <- code
	}()
	return term
}

func openTerminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no terminals here:", err)
	}
	t.Cleanup(func() { master.Close() })
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Skip("no terminals here:", err)
	}
	return master, slave
}

func (term *connectTerminal) watch() {
	buf := make([]byte, 4<<10)
	for {
		n, err := term.master.Read(buf)
		if err != nil {
			return
		}
		term.mu.Lock()
		term.shown.Write(buf[:n])
		term.mu.Unlock()
		select {
		case term.grew <- struct{}{}:
		default:
		}
	}
}

func (term *connectTerminal) text() string {
	term.mu.Lock()
	defer term.mu.Unlock()
	return term.shown.String()
}

// types is what a user does.
func (term *connectTerminal) types(text string) { io.WriteString(term.master, text) }

// shows waits until the terminal shows a text.
func (term *connectTerminal) shows(text string) {
	term.t.Helper()
	patience := time.After(connectPatience)
	for !strings.Contains(term.text(), text) {
		select {
		case <-term.grew:
		case <-patience:
			term.t.Fatalf("the terminal does not show %q but %q", text, term.text())
		}
	}
}

// ends waits for the end.
func (term *connectTerminal) ends(code int) {
	term.t.Helper()
	select {
	case got := <-term.done:
		if got != code {
			term.t.Errorf("code %d, want %d; the terminal shows %q", got, code, term.text())
		}
	case <-time.After(connectPatience):
		term.t.Fatalf("it does not end; the terminal shows %q", term.text())
	}
}

const wiped = "\r\x1b[K" // what is done to the prompt before something else is shown

func TestConnectOnATerminal(t *testing.T) {
	term := onTerminal(t, connectEcho(t), "-v")
	term.shows("* connected to ws://")
	term.types("hello\n")
	term.shows(wiped + "< hello\r\n> ")
	term.types("//slash\n")
	term.shows(wiped + "< /slash\r\n> ")
	term.types("/binary 00 41 ff\n")
	term.shows("< binary, 3 bytes\r\n  00000000  00 41 ff                                          |.A.|\r\n> ")
	term.types("/binary 0\n")
	term.shows("* the line is not hex")
	term.types("/ping\n")
	term.shows("* pong after ")
	term.types("/help\n")
	term.shows("/close [CODE] [REASON]")
	term.types("/dance\n")
	term.shows("* there is no command /dance")
	term.types("\xff\n")
	term.shows("* the line is not UTF-8")
	term.types("/close soon\n")
	term.shows("* the line has no close code")
	term.types("/close 1006\n")
	term.shows("* the line has a close code that may not be sent")
	term.types("still here\n")
	term.shows("< still here")
	term.types("\x04") // Ctrl-D
	term.shows("* closed by us: 1000 normal closure")
	term.ends(0)
}

func TestConnectClosesByCommand(t *testing.T) {
	closed := make(chan *molva.CloseError, 1)
	url := connectScripted(t, func(c *molva.Conn) { closed <- untilClosed(c) })
	for line, want := range map[string]string{
		"/close": "1000 ", "/close 4000": "4000 ", "/close 4001  so long ": "4001 so long",
	} {
		term := onTerminal(t, url)
		term.types(line + "\n")
		term.ends(0)
		if e := <-closed; fmt.Sprintf("%d %s", uint16(e.Code), e.Reason) != want {
			t.Errorf("%q: the server saw %v", line, e)
		}
	}
}

func TestConnectKeepsALineThatAMessageInterrupts(t *testing.T) {
	typing, got := make(chan struct{}), make(chan string, 1)
	url := connectScripted(t, func(c *molva.Conn) {
		<-typing
		c.Write(context.Background(), molva.Text("two\nlines"))
		m, _ := c.Read(context.Background())
		got <- m.String()
		c.Close(molva.CloseGoingAway, "")
	})
	term := onTerminal(t, url)
	term.shows("> ")
	term.types("half a ")
	term.shows("half a ")
	close(typing)
	term.shows(wiped + "< two\r\n  lines\r\n> ")
	term.types("line\n")
	if line := <-got; line != "half a line" {
		t.Errorf("the server got %q", line)
	}
	term.ends(0)
}

// TestConnectKeepsEscapeSequencesFromTheTerminal has a server that tries everything, by every way there is.
func TestConnectKeepsEscapeSequencesFromTheTerminal(t *testing.T) {
	const evil = "\x1b]0;title\x07\x1b[2J\x9b31m\u009b31m\x08\x7f\r\x00\u202egnp.exe\u2066\u2028\v\f"
	text := strings.ToValidUTF8(evil, "")
	url := connectScripted(t, func(c *molva.Conn) {
		c.Write(context.Background(), molva.Text(text))
		c.Write(context.Background(), molva.Binary([]byte(evil)))
		c.Write(context.Background(), molva.Text(`{"a":"`+"\u009b"+`"}`))
		c.Close(4000, text)
	})
	term := onTerminal(t, url, "--pretty", "-t", "-v")
	term.ends(1)
	term.shows("closed by the server: 4000")
	shown := strings.NewReplacer(wiped, "", "\r\n", "\n").Replace(term.text())
	if i := strings.IndexFunc(shown, func(r rune) bool {
		return r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 || r == '\u202e' || r == '\u2066' || r == '\u2028'
	}); i >= 0 {
		t.Errorf("%q reaches the terminal in %q", shown[i:i+1], shown)
	}
	for _, want := range []string{`\x1b]0;title\x07\x1b[2J`, `\u009b31m\x08\x7f\r\x00\u202egnp.exe`, `"a": "\u009b"`} {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is not shown in %q", want, shown)
		}
	}
}

func TestConnectCutsDumpsOnATerminal(t *testing.T) {
	url := connectScripted(t, func(c *molva.Conn) {
		c.Write(context.Background(), molva.Binary(make([]byte, 1<<20)))
		c.Close(molva.CloseNormal, "")
	})
	term := onTerminal(t, url)
	term.ends(0)
	term.shows("< binary, 1048576 bytes")
	term.shows("and 1044480 bytes more")
	if n := strings.Count(term.text(), "\n"); n > 300 {
		t.Errorf("%d lines", n)
	}
}

// TestConnectTypesIntoAPipe is a terminal for the input only: commands work, and no prompt gets into the output.
func TestConnectTypesIntoAPipe(t *testing.T) {
	master, slave := openTerminal(t)
	defer slave.Close()
	out := &watchedOutput{text: "ff\n", seen: make(chan struct{})}
	var stderr connectOutput
	io.WriteString(master, "hi\n/binary ff\n")
	go func() {
		<-out.seen
		io.WriteString(master, "/close 4000\n")
	}()
	code := runConnect(t, t.Context(), streams{slave, out, &stderr}, connectEcho(t))
	connectResult{code, out.String(), stderr.String()}.wants(t, 0, "hi\nff\n", "closed by us: 4000")
}
