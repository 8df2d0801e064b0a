//go:build unix

package console

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

func isTerminal(stream any) bool {
	file, ok := stream.(descriptor)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetWinsize(int(file.Fd()), unix.TIOCGWINSZ)
	return err == nil
}

func columns(file descriptor) int {
	size, err := unix.IoctlGetWinsize(int(file.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0
	}
	return int(size.Col)
}

func allowEscapes(any) bool { return true }

// isBrokenPipe reports whether nobody reads any more what is written.
func isBrokenPipe(err error) bool { return errors.Is(err, syscall.EPIPE) }
