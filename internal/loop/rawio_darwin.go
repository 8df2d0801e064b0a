package loop

import "golang.org/x/sys/unix"

// readSocket reads without waiting.
func readSocket(fd int, p []byte) (int, error) { return unix.Read(fd, p) }

// writeSocket writes the slices without waiting.
func writeSocket(fd int, slices [][]byte) (int, error) {
	if len(slices) == 1 {
		return unix.Write(fd, slices[0])
	}
	return unix.Writev(fd, slices)
}
