//go:build unix

package gateway_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/molva-ws/molva/gateway"
)

func TestTheSocketIsForThisUserOnly(t *testing.T) {
	before := syscall.Umask(0)
	defer syscall.Umask(before)
	g := new(gateway.Gateway)
	path := openSocket(t, g)
	s := dialScript(t, "unix", path)
	s.write(`{"command":"ping"}` + "\n")
	s.answer() // it is served by now
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	left, _ := os.ReadDir(filepath.Dir(path))
	if len(left) != 1 {
		t.Errorf("beside it there is %v", left)
	}
	if err := g.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	gone := func() bool { _, err := os.Lstat(path); return errors.Is(err, fs.ErrNotExist) }
	if !within(gone) { // ServeSocket may have begun after the end
		t.Error("the socket is there after the end")
	}
}

func TestOnlySocketsThatWereLeftBehindAreReplaced(t *testing.T) {
	path := filepath.Join(shortDir(t), "molva.sock")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	first, err := gateway.ListenSocket(path)
	if err != nil {
		t.Fatalf("one that was left behind: %v", err)
	}
	if _, err := gateway.ListenSocket(path); !errors.Is(err, gateway.ErrSocketInUse) {
		t.Errorf("one that is in use: %v", err)
	}
	if err := os.Rename(path, path+"2"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := gateway.ListenSocket(path); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("a file: %v", err)
	}
	first.Close()
	if text, err := os.ReadFile(path); string(text) != "precious" {
		t.Errorf("what is there instead is removed with the socket: %v", err)
	}
}

func TestSocketsThatCannotBe(t *testing.T) {
	for path, want := range map[string]string{
		filepath.Join(shortDir(t), strings.Repeat("s", 120)): "too long",
		filepath.Join(shortDir(t), "none", "molva.sock"):     "no such file",
	} {
		if _, err := gateway.ListenSocket(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %s", path, err, want)
		}
	}
}

func TestOneOfManyServersGetsTheSocket(t *testing.T) {
	path := filepath.Join(shortDir(t), "molva.sock")
	var starting sync.WaitGroup
	listeners := make(chan net.Listener, 20)
	for range cap(listeners) {
		starting.Go(func() {
			l, err := gateway.ListenSocket(path)
			if err == nil {
				listeners <- l
			} else if !errors.Is(err, gateway.ErrSocketInUse) {
				t.Error(err)
			}
		})
	}
	starting.Wait()
	if n := len(listeners); n != 1 {
		t.Errorf("%d servers have it", n)
	}
	for range len(listeners) {
		(<-listeners).Close()
	}
}
