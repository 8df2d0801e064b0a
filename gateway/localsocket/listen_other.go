//go:build !unix

package localsocket

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"syscall"
)

// listenPrivate makes a socket at path, in place of one that was left behind. Who can open it follows from the folder.
func listenPrivate(path string) (*net.UnixListener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
}

// lockFolder does nothing where folders cannot be locked.
func lockFolder(string) (unlock func(), err error) { return func() {}, nil }

// isRefused reports that nobody listens on a socket.
func isRefused(err error) bool {
	const wsaConnRefused = syscall.Errno(10061)
	return errors.Is(err, wsaConnRefused) || errors.Is(err, fs.ErrNotExist)
}

// isPrivate is true where each user has a folder for temporary files that others cannot change.
func isPrivate(fs.FileInfo) bool { return true }
