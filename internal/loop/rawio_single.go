//go:build unix && !linux && !darwin

package loop

import "golang.org/x/sys/unix"

// readSocket reads without waiting.
func readSocket(fd int, p []byte) (int, error) { return unix.Read(fd, p) }

// writeSocket writes the first of the slices without waiting: package unix has no Writev for this system.
func writeSocket(fd int, slices [][]byte) (int, error) { return unix.Write(fd, slices[0]) }
