//go:build unix

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/internal/shortdir"
)

// patience is how long anything may take. It only passes when something hangs.
const patience = time.Minute

// built is the real program, made once when a test needs it first.
var built struct {
	once   sync.Once
	dir    string
	binary string
	err    error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// binary returns the path of the program.
func binary(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "molva"); built.err != nil {
			return
		}
		built.binary = filepath.Join(built.dir, "molva")
		out, err := exec.Command("go", "build", "-o", built.binary, ".").CombinedOutput()
		if err != nil {
			built.err = fmt.Errorf("%w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.binary
}

// result is what a finished program left.
type result struct {
	code        int
	out, errOut string
}

// environment is that of the test without what would change how molva runs.
func environment(more ...string) []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "MOLVA_") {
			env = append(env, v)
		}
	}
	return append(env, more...)
}

// molvaRun runs the program to its end.
func molvaRun(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	return runCommand(t, stdin, nil, binary(t), args...)
}

func runCommand(t *testing.T, stdin string, env []string, program string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = environment(env...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), errOut.String()}
}

// wantsText checks a result: the exit code, and what standard output and error must contain.
func (r result) wantsText(t *testing.T, code int, out, errOut string) {
	t.Helper()
	if r.code != code || !strings.Contains(r.out, out) || !strings.Contains(r.errOut, errOut) {
		t.Fatalf("exit code %d, want %d\nstdout %q, want %q\nstderr %q, want %q", r.code, code, r.out, out, r.errOut, errOut)
	}
}

// served is a running molva serve.
type served struct {
	*testing.T
	cmd    *exec.Cmd
	ready  chan struct{} // closed when it has said where it is
	ended  chan struct{} // closed when it has ended
	web    string        // where to ask one that somebody else starts; see activated
	url    string        // this and the next two once it is ready
	socket string
	key    string

	mu  sync.Mutex
	log []map[string]any
}

// startServer starts molva serve on a free port with a socket of its own, and waits until it says where it is.
func startServer(t *testing.T, args ...string) *served {
	t.Helper()
	dir := shortdir.New(t)
	return startServerAt(t, filepath.Join(dir, "molva.sock"), args...)
}

func startServerAt(t *testing.T, socket string, args ...string) *served {
	t.Helper()
	args = append([]string{"serve", "--listen", "127.0.0.1:0", "--socket", socket, "--log-format", "json"}, args...)
	cmd := exec.Command(binary(t), args...)
	cmd.Env = environment()
	s := launch(t, cmd)
	s.waitReady()
	return s
}

// launch starts a command that is molva serve, or becomes it, and kills it with the test.
func launch(t *testing.T, cmd *exec.Cmd) *served {
	t.Helper()
	s := &served{T: t, cmd: cmd, ready: make(chan struct{}), ended: make(chan struct{})}
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go s.read(stderr)
	t.Cleanup(func() { s.cmd.Process.Kill(); <-s.ended })
	return s
}

// waitReady waits until it says where it is.
func (s *served) waitReady() {
	s.Helper()
	select {
	case <-s.ready:
	case <-s.ended:
		s.Fatalf("it ended: %v", s.said())
	case <-time.After(patience):
		s.Fatal("it does not start")
	}
}

// read follows the log, of which the entry with the key, or the one about being open, is the last at the start.
func (s *served) read(stderr io.Reader) {
	defer close(s.ended)
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		entry := make(map[string]any)
		if json.Unmarshal(lines.Bytes(), &entry) != nil {
			entry["msg"] = lines.Text()
		}
		s.mu.Lock()
		s.log = append(s.log, entry)
		s.mu.Unlock()
		if url, ok := entry["url"].(string); ok && entry["msg"] == "serving" {
			s.url, s.socket = url, entry["socket"].(string)
			s.key, _ = entry["key"].(string)
			close(s.ready)
		}
	}
	s.cmd.Wait()
}

func (s *served) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var text strings.Builder
	for _, entry := range s.log {
		fmt.Fprintln(&text, entry)
	}
	return text.String()
}

// signal sends a signal; wait waits for the end and returns the exit code.
func (s *served) signal(sig syscall.Signal) {
	s.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.Fatal(err)
	}
}

func (s *served) wait() int {
	s.Helper()
	select {
	case <-s.ended:
		return s.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		s.Fatalf("it does not end: %s", s.said())
		return 0
	}
}

// client is a connection of a user.
type client struct {
	*testing.T
	conn *molva.Conn
}

// received is a message of the server.
type received struct {
	Type, Room, User, From string
	All                    bool
	Data                   json.RawMessage
}

// connect connects a user and has read the server's hello.
func (s *served) connect(user string) *client {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	conn, _, err := molva.Dial(ctx, strings.Replace(s.url, "http", "ws", 1)+"/ws?user="+user, nil)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { conn.CloseNow() })
	c := &client{s.T, conn}
	if hello := c.next(); hello.Type != "hello" {
		s.Fatalf("%+v", hello)
	}
	return c
}

// say sends a request and waits for its ok.
func (c *client) say(request string) {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.Context(), patience)
	defer cancel()
	if err := c.conn.Write(ctx, molva.Text(request)); err != nil {
		c.Fatal(err)
	}
	if answer := c.next(); answer.Type != "ok" {
		c.Fatalf("%+v", answer)
	}
}

func (c *client) next() received {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.Context(), patience)
	defer cancel()
	m, err := c.conn.Read(ctx)
	if err != nil {
		c.Fatal(err)
	}
	var r received
	if err := json.Unmarshal(m.Data, &r); err != nil {
		c.Fatalf("%s: %v", m.Data, err)
	}
	return r
}

// hears checks the data of the next message.
func (c *client) hears(data string) {
	c.Helper()
	if m := c.next(); m.Type != "message" || string(m.Data) != data {
		c.Fatalf("%+v, want %s", m, data)
	}
}
