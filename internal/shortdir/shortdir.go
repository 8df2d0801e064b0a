// Package shortdir makes folders for the sockets of tests.
package shortdir

import (
	"os"
	"testing"
)

// New returns a folder whose path leaves room for the name of a socket, of which systems allow about 100 bytes. It is
// removed when the test ends.
func New(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "m")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
