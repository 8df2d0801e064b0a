//go:build unix && !linux && !darwin

package loop

import "golang.org/x/sys/unix"

// writeVector writes the first of several slices: package unix has no Writev for this system.
func writeVector(fd int, slices [][]byte) (int, error) { return unix.Write(fd, slices[0]) }
