//go:build unix

package localsocket_test

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

	"github.com/molva-ws/molva/gateway/localsocket"
	"github.com/molva-ws/molva/internal/shortdir"
)

func TestTheSocketIsForThisUserOnly(t *testing.T) {
	before := syscall.Umask(0)
	defer syscall.Umask(before)
	path := filepath.Join(shortdir.New(t), "molva.sock")
	l, err := localsocket.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	left, _ := os.ReadDir(filepath.Dir(path))
	if len(left) != 1 {
		t.Errorf("beside it there is %v", left)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is there after the end: %v", err)
	}
}

func TestOnlySocketsThatWereLeftBehindAreReplaced(t *testing.T) {
	path := filepath.Join(shortdir.New(t), "molva.sock")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	first, err := localsocket.Listen(path)
	if err != nil {
		t.Fatalf("one that was left behind: %v", err)
	}
	if _, err := localsocket.Listen(path); !errors.Is(err, localsocket.ErrInUse) {
		t.Errorf("one that is in use: %v", err)
	}
	if err := os.Rename(path, path+"2"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := localsocket.Listen(path); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("a file: %v", err)
	}
	first.Close()
	if text, err := os.ReadFile(path); string(text) != "precious" {
		t.Errorf("what is there instead is removed with the socket: %v", err)
	}
}

func TestSocketsThatCannotBe(t *testing.T) {
	for path, want := range map[string]string{
		filepath.Join(shortdir.New(t), strings.Repeat("s", 120)): "too long",
		filepath.Join(shortdir.New(t), "none", "molva.sock"):     "no such file",
	} {
		if _, err := localsocket.Listen(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %s", path, err, want)
		}
	}
}

func TestOneOfManyServersGetsTheSocket(t *testing.T) {
	path := filepath.Join(shortdir.New(t), "molva.sock")
	var starting sync.WaitGroup
	listeners := make(chan net.Listener, 20)
	for range cap(listeners) {
		starting.Go(func() {
			l, err := localsocket.Listen(path)
			if err == nil {
				listeners <- l
			} else if !errors.Is(err, localsocket.ErrInUse) {
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
