//go:build linux

package main

import (
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/molva-ws/molva/internal/shortdir"
)

// manager is a service manager that is told how the server is.
func manager(t *testing.T) (conn *net.UnixConn, variable string) {
	t.Helper()
	path := filepath.Join(shortdir.New(t), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn, "NOTIFY_SOCKET=" + path
}

func wantState(t *testing.T, conn *net.UnixConn, want string) {
	t.Helper()
	conn.SetReadDeadline(time.Now().Add(patience))
	b := make([]byte, 200)
	n, err := conn.Read(b)
	if err != nil || !strings.HasPrefix(string(b[:n]), want) {
		t.Errorf("it was told %q, %v, want %q", b[:n], err, want)
	}
}

func TestServeTellsTheServiceManagerHowItIs(t *testing.T) {
	conn, variable := manager(t)
	cmd := exec.Command(binary(t), "serve", "--listen", "127.0.0.1:0", "--socket", "none", "--log-format", "json")
	cmd.Env = environment(variable)
	s := launch(t, cmd)
	s.waitReady()
	wantState(t, conn, "READY=1")
	s.signal(syscall.SIGHUP)
	wantState(t, conn, "RELOADING=1\nMONOTONIC_USEC=")
	wantState(t, conn, "READY=1")
	s.signal(syscall.SIGTERM)
	wantState(t, conn, "STOPPING=1")
	s.wait()
}

func TestServeSaysWhoMayComeInAndWhichLimitsHold(t *testing.T) {
	// The shell takes descriptors away, so that the machine has a limit that is low.
	cmd := exec.Command("sh", "-c", `ulimit -n 500; exec "$0" serve --listen 127.0.0.1:0 --listen :0 --socket none --max-conns 1000 \
		--max-conns-per-user 5 --dry-run --app-url http://me:secret@127.0.0.1:9/whoami.php?k=secret --anonymous`, binary(t))
	cmd.Env = environment("MOLVA_JWT_SECRET=" + firstSecret)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	screen := readUntil(t, stdout, "prlimit")
	for _, want := range []string{
		"  may come in   whoever has a good token; whom http://127.0.0.1:9/whoami.php knows; anybody, without a name of their own choice\n",
		"  limits        1,000 connections, 5 of one user; messages up to 64KiB, 50 a second (DRY RUN: nobody is kept out)\n",
		" of every address of this machine\n",
		"  LOW: this process may have 500 descriptors open, which is less than 1000 connections need; what lifts it:\n",
	} {
		if !strings.Contains(screen, want) {
			t.Errorf("%q is not said:\n%s", want, screen)
		}
	}
	if strings.Contains(screen, "OPEN") || strings.Contains(screen, "secret") {
		t.Error(screen)
	}
}
