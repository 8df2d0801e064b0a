//go:build unix

package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/internal/shortdir"
)

func TestServeTellsAPersonWhatToDoNext(t *testing.T) {
	dir := shortdir.New(t)
	cmd := exec.Command(binary(t), "serve", "--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0")
	cmd.Env = environment("XDG_RUNTIME_DIR=" + dir)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	screen := readUntil(t, stdout, "Ctrl+C")
	key := regexp.MustCompile(`API key +([A-Z0-9]{26}) `).FindStringSubmatch(screen)
	url := regexp.MustCompile(`serves on (http://127\.0\.0\.1:\d+)\n`).FindStringSubmatch(screen)
	if key == nil || url == nil {
		t.Fatalf("no key or no URL:\n%s", screen)
	}
	for _, want := range []string{
		"open          " + url[1] + "/#key=" + key[1] + "\n",
		"then type     " + built.binary + ` send --user 42 "hi"` + "\n",
		"OPEN: Anyone on this machine who can reach 127.0.0.1:",
		"may speak, and as any user.",
		"also on       http://127.0.0.1:",
		"local socket  " + dir + "/molva.sock\n",
	} {
		if !strings.Contains(screen, want) {
			t.Errorf("%q is not said:\n%s", want, screen)
		}
	}
	if strings.Contains(screen, "\x1b") {
		t.Error("colours, but no terminal")
	}
	line := regexp.MustCompile(`then type +(.*)`).FindStringSubmatch(screen)[1]
	runCommand(t, "", []string{"XDG_RUNTIME_DIR=" + dir}, "sh", "-c", line).
		wantsText(t, 0, "reached nobody: user 42 is not connected\n", "")
}

// readUntil reads lines until one contains a text.
func readUntil(t *testing.T, r io.Reader, text string) string {
	t.Helper()
	var all strings.Builder
	buf := make([]byte, 1024)
	for !strings.Contains(all.String(), text) {
		n, err := r.Read(buf)
		all.Write(buf[:n])
		if err != nil {
			t.Fatalf("%v after %q", err, all.String())
		}
	}
	return all.String()
}

func TestServeRefusesWhatIsNotSafeOrNotPossible(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	file := filepath.Join(shortdir.New(t), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	port := taken.Addr().String()
	for _, c := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"port taken", []string{"--listen", port}, 1, "another program listens on " + port + " already"},
		{"all addresses", []string{"--listen", ":0"}, 2, "could connect as any user; if that is what you want, add --open"},
		{"another machine's address", []string{"--listen", "203.0.113.1:80"}, 2, "add --open; if not, listen on 127.0.0.1:80"},
		{"no address", []string{"--listen", "8000"}, 2, `"8000" is not an address such as 127.0.0.1:8000`},
		{"socket is a file", []string{"--socket", file}, 1, "is no socket"},
		{"socket's folder is missing", []string{"--socket", file + "s/x"}, 1, "no such file or directory"},
		{"socket for other machines", []string{"--socket", "tcp:0.0.0.0:0"}, 2, "keys would pass the network"},
		{"socket without an address", []string{"--socket", "tcp:9000"}, 2, `"tcp:9000" is not an address such as tcp:127`},
		{"short key", []string{"--key", "secret"}, 2, "at least 16"},
		{"key with a space", []string{"--key", "0123456789 0123456789"}, 2, "letters, digits and signs"},
		{"bad origin", []string{"--origin", "https://example.com/path"}, 2, `"https://example.com/path" is not like`},
		{"bad size", []string{"--max-message", "huge"}, 2, `"huge" is not a size`},
		{"negative", []string{"--max-conns=-1"}, 2, "cannot be negative"},
		{"bad format", []string{"--log-format", "xml"}, 2, `must be one of "text","json"`},
		{"bad level", []string{"--log-level", "loud"}, 2, "unknown name"},
		{"bad drain", []string{"--drain=-1s"}, 2, "--drain: cannot be negative"},
		{"unknown flag", []string{"--lissen", "x"}, 2, "unknown flag --lissen"},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := []string{"serve"}
			if !strings.HasPrefix(c.args[0], "--listen") {
				args = append(args, "--listen", "127.0.0.1:0")
			}
			if c.args[0] != "--socket" {
				args = append(args, "--socket", "none")
			}
			molvaRun(t, "", append(args, c.args...)...).wantsText(t, c.code, "", c.says)
		})
	}
}

func TestServeLeavesTheSocketOfAnotherServerAlone(t *testing.T) {
	s := startServer(t)
	molvaRun(t, "", "serve", "--listen", "127.0.0.1:0", "--socket", s.socket).
		wantsText(t, 1, "", "another molva serve has the local socket "+s.socket)
	molvaRun(t, "", "send", "--socket", s.socket, "--all", "still there").wantsText(t, 0, "reached nobody", "")
}

func TestServeReplacesASocketThatWasLeftBehind(t *testing.T) {
	s := startServer(t)
	s.cmd.Process.Kill()
	s.wait()
	if _, err := os.Stat(s.socket); err != nil {
		t.Fatal("nothing was left behind: ", err)
	}
	again := startServerAt(t, s.socket)
	molvaRun(t, "", "send", "--socket", s.socket, "--all", "hi").wantsText(t, 0, "reached nobody", "")
	again.signal(syscall.SIGTERM)
	again.wait()
	if _, err := os.Stat(s.socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it left its socket behind: %v", err)
	}
}

func TestServeTellsClientsThatItStops(t *testing.T) {
	s := startServer(t)
	c := s.connect("42")
	s.signal(syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err := c.conn.Read(ctx)
	var closed *molva.CloseError
	if !errors.As(err, &closed) || closed.Code != molva.CloseGoingAway {
		t.Errorf("%v, want 1001", err)
	}
	if code := s.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if !strings.Contains(s.said(), "msg:stopped") {
		t.Error("it does not say that it has stopped: ", s.said())
	}
}

func TestServeDoesNotWaitForeverForWhoSaysNothing(t *testing.T) {
	s := startServer(t, "--drain", "100ms")
	c := s.connect("42") // nobody reads on it, so it does not answer the close frame
	s.signal(syscall.SIGTERM)
	if code := s.wait(); code != 1 || !strings.Contains(s.said(), "stopped after 100ms") {
		t.Errorf("exit code %d: %s", code, s.said())
	}
	c.conn.CloseNow()
}

func TestASecondSignalEndsServeAtOnce(t *testing.T) {
	s := startServer(t, "--drain", "1h")
	s.connect("42")
	s.signal(syscall.SIGINT)
	s.until("stopping")
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for { // the first may still be on its way to the program's handler, which then goes away
		select {
		case <-s.ended:
			// Else the closing handshake would be given up after 5 s, and serve end by itself.
			if status := s.cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != syscall.SIGINT {
				t.Errorf("ended as %v: %s", s.cmd.ProcessState, s.said())
			}
			return
		case <-again.C:
			s.cmd.Process.Signal(syscall.SIGINT)
		}
	}
}

// until waits for an entry of the log.
func (s *served) until(text string) {
	s.Helper()
	for end := time.Now().Add(patience); !strings.Contains(s.said(), text); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			s.Fatalf("%q is not said: %s", text, s.said())
		}
	}
}

func TestServeAnswersToItsOwnNamesOnly(t *testing.T) {
	s := startServer(t)
	address := strings.TrimPrefix(s.url, "http://")
	_, port, _ := net.SplitHostPort(address)
	for _, c := range []struct {
		host   string
		status int
	}{
		{address, 200}, {"localhost:" + port, 200}, {"LocalHost.", 200}, {"[::1]:" + port, 200}, {"app.localhost", 200},
		{"rebound.example.com:" + port, 421}, {"localhost.example.com", 421}, {"192.168.0.1", 421}, {"127.0.0.1.example", 421},
	} {
		for _, path := range []string{"/", "/console/hints.json", "/api/stats", "/molva.js"} {
			r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
			r.Host = c.host
			r.Header.Set("Authorization", "Bearer "+s.key)
			if status := statusOf(t, r); status != c.status {
				t.Errorf("%s%s: %d, want %d", c.host, path, status, c.status)
			}
		}
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/ws?user=42", nil)
		r.Host = c.host
		r.Header = http.Header{
			"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"},
			"Sec-Websocket-Key": {"AAAAAAAAAAAAAAAAAAAAAA=="}, "Origin": {"http://" + strings.ToLower(c.host)},
		}
		want := c.status
		if want == 200 {
			want = 101
		}
		if status := statusOf(t, r); status != want && c.host != "LocalHost." {
			t.Errorf("WebSocket at %s: %d, want %d", c.host, status, want)
		}
	}
}

func statusOf(t *testing.T, r *http.Request) int {
	t.Helper()
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return response.StatusCode
}

func TestServeShowsItsSocketToThisMachineOnlyAndItsKeyToNobody(t *testing.T) {
	open := startServer(t)
	hints := get(t, open.url+"/console/hints.json")
	if !strings.Contains(hints, open.socket) || strings.Contains(hints, open.key) {
		t.Errorf("%s", hints)
	}
	other := startServer(t, "--open")
	hints = get(t, other.url+"/console/hints.json")
	if strings.Contains(hints, "sock") || strings.Contains(hints, "send") || strings.Contains(hints, other.key) {
		t.Errorf("%s", hints)
	}
	bare := startServerAt(t, "none")
	hints = get(t, bare.url+"/console/hints.json")
	if !strings.Contains(hints, `send --url `+bare.url+`","keyed":true`) {
		t.Errorf("%s", hints)
	}
	for _, s := range []*served{open, other, bare, startServerAt(t, "tcp:127.0.0.1:0")} {
		for _, path := range []string{"/", "/console/hints.json", "/console/console.js", "/console/lines.js", "/molva.js"} {
			if strings.Contains(get(t, s.url+path), s.key) {
				t.Errorf("the key is in %s", path)
			}
		}
	}
}

func TestServeWithoutThePage(t *testing.T) {
	s := startServer(t, "--no-console")
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/", nil)
	if status := statusOf(t, r); status != 404 {
		t.Errorf("status %d", status)
	}
	s.connect("42")
}

func get(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != 200 {
		t.Fatalf("%s: %s, %v", url, response.Status, err)
	}
	return string(body)
}

func TestServeHeedsItsLimits(t *testing.T) {
	s := startServer(t, "--max-conns", "2", "--max-message", "100", "--key", "0123456789abcdef")
	if s.key != "" {
		t.Error("it tells a key that it was given")
	}
	c := s.connect("1")
	s.connect("2")
	_, response, err := molva.Dial(t.Context(), strings.Replace(s.url, "http", "ws", 1)+"/ws", nil)
	if err == nil || response.StatusCode != 503 {
		t.Errorf("a third connection: %v", err)
	}
	c.conn.Send(molva.Text(`{"type":"ping","x":"` + strings.Repeat("x", 100) + `"}`))
	_, err = c.conn.Read(t.Context())
	var closed *molva.CloseError
	if !errors.As(err, &closed) || closed.Code != molva.CloseMessageTooBig {
		t.Errorf("%v, want 1009", err)
	}
	molvaRun(t, "", "send", "--url", s.url, "--key", "0123456789abcdef", "--all", "hi").wantsText(t, 0, "reached", "")
}

func TestEveryCommandHelps(t *testing.T) {
	molvaRun(t, "", "--help").wantsText(t, 0, "serve", "")
	molvaRun(t, "", "--version").wantsText(t, 0, "molva ", "")
	for _, command := range []string{"serve", "send", "connect"} {
		r := molvaRun(t, "", command, "--help")
		r.wantsText(t, 0, "Usage: molva "+command, "")
		for line := range strings.Lines(r.out) {
			if len([]rune(line)) > 121 {
				t.Errorf("%s --help has a line of %d characters: %s", command, len(line), line)
			}
		}
	}
}
