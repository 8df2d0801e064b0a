package localsocket

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Listen listens on a Unix socket that only this user can connect to, for gateway.Gateway.ServeSocket. A socket that a
// server has left behind is replaced; one at which a server answers is not, which is [ErrInUse], nor is anything
// else that is at the path. Closing the listener removes the socket, if it is still this one's.
//
// The folder must exist, unless path is [DefaultPath].
func Listen(path string) (net.Listener, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	if err := makeFolder(path); err != nil {
		return nil, err
	}
	unlock, err := lockFolder(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("gateway: local socket: %w", err)
	}
	defer unlock()
	if err := checkVacant(path); err != nil {
		return nil, err
	}
	l, err := listenPrivate(path)
	if err != nil {
		return nil, fmt.Errorf("gateway: local socket: %w", err)
	}
	info, err := os.Lstat(path)
	if err != nil {
		l.Close()
		return nil, fmt.Errorf("gateway: local socket: %w", err)
	}
	l.SetUnlinkOnClose(false)
	return &listener{UnixListener: l, path: path, info: info}, nil
}

// checkVacant returns an error if there is something at path that must stay.
func checkVacant(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("gateway: local socket: %w", err)
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("gateway: %s is there already and is no socket; remove it, or choose another path", path)
	}
	nc, err := net.DialTimeout("unix", path, time.Second)
	switch {
	case err == nil:
		nc.Close()
		return fmt.Errorf("%w: %s", ErrInUse, path)
	case isRefused(err):
		return nil
	}
	return fmt.Errorf("gateway: there is a socket already and it is not clear whether a server has it: %w", err)
}

// listener removes its socket in the end.
type listener struct {
	*net.UnixListener
	path string
	info fs.FileInfo // of the socket
	once sync.Once
	err  error
}

// Addr returns the path of the socket.
func (l *listener) Addr() net.Addr { return &net.UnixAddr{Name: l.path, Net: "unix"} }

// Close removes the socket before it closes it, so that nobody finds one that does not answer.
func (l *listener) Close() error {
	l.once.Do(func() {
		l.remove()
		l.err = l.UnixListener.Close()
	})
	return l.err
}

func (l *listener) remove() {
	unlock, err := lockFolder(filepath.Dir(l.path))
	if err != nil {
		return // the next server will replace it
	}
	defer unlock()
	if info, err := os.Lstat(l.path); err == nil && os.SameFile(info, l.info) {
		os.Remove(l.path)
	}
}
