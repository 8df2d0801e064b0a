//go:build unix

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// program returns the path of a program that an example needs. Where everything is tested it must be there.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv("CI") != "" {
		t.Fatalf("%s is needed for this: %v", name, err)
	}
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	return path
}

func TestExamplesSendToAUser(t *testing.T) {
	s := startServer(t)
	first, second := s.connect("42"), s.connect("42")
	env := []string{"MOLVA_SOCKET=" + s.socket, "MOLVA_URL=" + s.url, "MOLVA_KEY=" + s.key}
	shell := []string{"MOLVA_SOCKET=" + s.socket, "MOLVA=" + binary(t)}
	for _, c := range []struct {
		program, file, message, heard string
		env                           []string
		out                           string
	}{
		{"php", "php/send_socket.php", "Привет из PHP", `"Привет из PHP"`, env, "reached 2\n"},
		{"php", "php/send_http.php", "hi", `"hi"`, env, "reached 2\n"},
		{"python3", "python/send_socket.py", "hi", `"hi"`, env, "reached 2\n"},
		{"python3", "python/send_http.py", "hi", `"hi"`, env, "reached 2\n"},
		{"sh", "shell/send.sh", "hi", `"hi"`, shell, "reached 2 connections\n"},
		{"sh", "shell/send_http.sh", `{"a":1}`, `{"a":1}`, env, `"reached":2`},
	} {
		t.Run(c.file, func(t *testing.T) {
			if strings.HasSuffix(c.file, "http.sh") {
				program(t, "curl")
			}
			file := filepath.Join("../../examples", c.file)
			r := runCommand(t, "", c.env, program(t, c.program), file, "42", c.message)
			if r.code != 0 || !strings.Contains(r.out, c.out) {
				t.Fatalf("%+v", r)
			}
			first.sees(t, c.heard)
			second.sees(t, c.heard)
		})
	}
}

// sees is hears for text that may come with other escapes in its JSON.
func (c *client) sees(t *testing.T, data string) {
	t.Helper()
	if m := c.next(); decoded(string(m.Data)) != decoded(data) {
		t.Fatalf("%+v, want %s", m, data)
	}
}

func TestExamplesFailWhenTheyShould(t *testing.T) {
	s := startServer(t)
	wrong := []string{"MOLVA_SOCKET=" + s.socket + "x", "MOLVA_URL=" + s.url, "MOLVA_KEY=wrong"}
	for _, c := range []struct{ program, file, says string }{
		{"php", "php/send_socket.php", "does not run there"},
		{"php", "php/send_http.php", "unauthorized"},
		{"python3", "python/send_socket.py", "FileNotFoundError"},
		{"python3", "python/send_http.py", "unauthorized"},
		{"sh", "shell/send_http.sh", "unauthorized"},
	} {
		t.Run(c.file, func(t *testing.T) {
			r := runCommand(t, "", wrong, program(t, c.program), filepath.Join("../../examples", c.file), "42", `"hi"`)
			if r.code == 0 || !strings.Contains(r.out+r.errOut, c.says) {
				t.Fatalf("%+v", r)
			}
		})
	}
	away := []string{"MOLVA_SOCKET=" + s.socket, "MOLVA=" + binary(t)}
	runCommand(t, "", away, program(t, "sh"), "../../examples/shell/send.sh", "42", "hi").
		wantsText(t, 3, "write them a letter", "")
}

func TestTheExampleFollowsAFile(t *testing.T) {
	s := startServer(t)
	c := s.connect("42")
	c.say(`{"type":"join","room":"logs","ack":1}`)
	file := filepath.Join(t.TempDir(), "app.log")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program(t, "sh"), "../../examples/shell/stream.sh", "logs", file)
	cmd.Env = environment("MOLVA_SOCKET="+s.socket, "MOLVA="+binary(t))
	inGroup(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer killGroup(cmd)
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		c.conn.Read(t.Context())
	}()
	log, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s.writeUntil(log, heard) // tail may not look yet
}

// decoded returns a JSON value without the liberties of its writing.
func decoded(text string) string {
	var v any
	if json.Unmarshal([]byte(text), &v) != nil {
		return text
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// inGroup lets a command be ended together with those that it starts.
func inGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func killGroup(cmd *exec.Cmd) { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }

// writeUntil writes lines to a file until they are heard of.
func (s *served) writeUntil(file *os.File, heard <-chan struct{}) {
	s.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for {
		select {
		case <-heard:
			return
		case <-late:
			s.Fatal("nothing is heard of the file")
		case <-tick.C:
			if _, err := file.WriteString("a line\n"); err != nil {
				s.Fatal(err)
			}
		}
	}
}
