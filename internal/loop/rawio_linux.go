package loop

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// readSocket reads without waiting. The scheduler is not told of it, as it need not be for a call that does not block.
func readSocket(fd int, p []byte) (int, error) { return result(readFD(int32(fd), p)) }

// writeSocket writes the slices, none of which is empty, without waiting.
func writeSocket(fd int, slices [][]byte) (int, error) {
	switch len(slices) {
	case 1:
		return result(writeFDOnce(unix.SYS_WRITE, int32(fd), unsafe.Pointer(&slices[0][0]), len(slices[0])))
	case 2:
		return result(writeTwo(int32(fd), slices[0], slices[1]))
	}
	return unix.Writev(fd, slices)
}

func result(n int, errno syscall.Errno) (int, error) {
	if errno != 0 {
		return 0, errno
	}
	return n, nil
}
