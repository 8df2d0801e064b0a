//go:build linux

package main

import (
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/molva-ws/molva/internal/freeaddr"
	"github.com/molva-ws/molva/internal/shortdir"
)

// activated has systemd's own tool listen and start molva serve with the sockets when the first client comes. What the
// server tells the service manager comes from told.
func activated(t *testing.T, web, socket string, args ...string) (s *served, told *net.UnixConn) {
	t.Helper()
	tool := program(t, "systemd-socket-activate")
	notify := filepath.Join(shortdir.New(t), "notify")
	told, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: notify, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { told.Close() })
	line := []string{"-E", "NOTIFY_SOCKET=" + notify, "-l", web}
	if socket != "" {
		line = append(line, "-l", socket)
	}
	line = append(line, binary(t), "serve", "--log-format", "json")
	s = launch(t, exec.Command(tool, append(line, args...)...))
	s.web = "http://" + web
	s.until("Listening on " + web)
	if socket != "" {
		s.until("Listening on " + socket)
	}
	return s, told
}

// isTold waits for the next thing that the service manager is told.
func isTold(t *testing.T, told *net.UnixConn, want string) {
	t.Helper()
	told.SetReadDeadline(time.Now().Add(patience))
	buf := make([]byte, 1024)
	n, err := told.Read(buf)
	if err != nil || !strings.HasPrefix(string(buf[:n]), want) {
		t.Fatalf("the service manager is told %q, %v; want %s", buf[:n], err, want)
	}
}

func TestServeTakesTheSocketsOfTheServiceManager(t *testing.T) {
	socket := filepath.Join(shortdir.New(t), "molva.sock")
	s, told := activated(t, freeaddr.Get(t), socket, "--listen", "127.0.0.1:1", "--socket", socket)
	if body := get(t, s.web+"/healthz"); body != "ok\n" {
		t.Errorf("%q", body)
	}
	isTold(t, told, "READY=1")
	s.waitReady()
	c := s.connect("42")
	molvaRun(t, "", "send", "--socket", socket, "--user", "42", "hi").wantsText(t, 0, "reached 1 connection\n", "")
	c.hears(`"hi"`)

	molvaRun(t, "", "reload", "--socket", socket).wantsText(t, 0, "nothing has changed", "")
	isTold(t, told, "RELOADING=1\nMONOTONIC_USEC=")
	isTold(t, told, "READY=1")
	s.signal(syscall.SIGTERM)
	isTold(t, told, "STOPPING=1")
	if code := s.wait(); code != 0 {
		t.Errorf("exit code %d: %s", code, s.said())
	}
	if _, err := os.Stat(socket); err != nil {
		t.Errorf("it has removed the service manager's socket: %v", err)
	}
}

func TestTheLineToTypeNamesThePassedSocket(t *testing.T) {
	socket := filepath.Join(shortdir.New(t), "passed.sock")
	s, told := activated(t, freeaddr.Get(t), socket)
	get(t, s.web+"/healthz")
	isTold(t, told, "READY=1")
	var hints struct{ Send string }
	if err := json.Unmarshal([]byte(get(t, s.web+"/console/hints.json")), &hints); err != nil {
		t.Fatal(err)
	}
	runCommand(t, "", nil, "sh", "-c", hints.Send+" --all hi").wantsText(t, 0, "reached nobody", "")
}

func TestServeOpensWhatIsNotPassed(t *testing.T) {
	socket := filepath.Join(shortdir.New(t), "molva.sock")
	s, told := activated(t, freeaddr.Get(t), "", "--socket", socket)
	get(t, s.web+"/healthz")
	isTold(t, told, "READY=1")
	molvaRun(t, "", "send", "--socket", socket, "--all", "hi").wantsText(t, 0, "reached nobody", "")
}

func TestServeRefusesPassedSocketsThatAreNotSafeOrOfNoUse(t *testing.T) {
	dir := shortdir.New(t)
	port := freeaddr.Get(t)[len("127.0.0.1"):]
	for _, c := range []struct {
		name   string
		listen []string
		code   int
		says   string
	}{
		{"open to others", []string{"0.0.0.0" + port}, 2, "anyone there could connect as any user"},
		{"two Unix sockets", []string{dir + "/a", dir + "/b"}, 1, "two Unix sockets"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var line []string
			for _, l := range c.listen {
				line = append(line, "-l", l)
			}
			tool := exec.Command(program(t, "systemd-socket-activate"), append(line, binary(t), "serve", "--log-format", "json")...)
			s := launch(t, tool)
			s.until("Listening on " + c.listen[len(c.listen)-1])
			network := "tcp"
			if strings.Contains(c.listen[0], "/") {
				network = "unix"
			}
			nc, err := net.Dial(network, strings.Replace(c.listen[0], "0.0.0.0", "127.0.0.1", 1))
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			if code := s.wait(); code != c.code || !strings.Contains(s.said(), c.says) {
				t.Errorf("exit code %d, %s", code, s.said())
			}
		})
	}
}
