//go:build linux || darwin

package loop

import "golang.org/x/sys/unix"

// writeVector writes the slices, of which there are several, in one system call.
func writeVector(fd int, slices [][]byte) (int, error) { return unix.Writev(fd, slices) }
