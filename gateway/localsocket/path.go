package localsocket

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// ErrInUse is returned by [Listen] when another server answers at the path.
var ErrInUse = errors.New("gateway: another server has this local socket")

const socketName = "molva.sock"

// DefaultPath returns the path of the local socket that a user's programs agree on: molva.sock in $XDG_RUNTIME_DIR,
// else in a folder of the user's own for temporary files. It need not exist; see [Listen].
func DefaultPath() string {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return filepath.Join(dir, socketName)
		}
	}
	return filepath.Join(privateFolder(), socketName)
}

// privateFolder is where the local socket is if the system has no better place. Everybody may create files beside it,
// so it has to be looked at before it is trusted.
func privateFolder() string {
	name := "molva"
	if uid := os.Getuid(); uid >= 0 { // -1 on Windows, where each user has a folder for temporary files
		name += "-" + strconv.Itoa(uid)
	}
	return filepath.Join(os.TempDir(), name)
}

// checkFolder returns an error if path is in the private folder and somebody else made that, to listen to what
// is said there.
func checkFolder(path string) error {
	dir := filepath.Dir(path)
	if dir != privateFolder() {
		return nil
	}
	info, err := os.Lstat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // and so is the socket
	}
	if err != nil {
		return fmt.Errorf("gateway: %w", err)
	}
	if !info.IsDir() || !isPrivate(info) {
		return fmt.Errorf("gateway: %s should be a folder that only this user can enter, but is not; "+
			"remove it, or choose another path for the local socket", dir)
	}
	return nil
}

// makeFolder makes the private folder if path is in it.
func makeFolder(path string) error {
	dir := filepath.Dir(path)
	if dir != privateFolder() {
		return nil
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("gateway: %w", err)
	}
	return checkFolder(path)
}
