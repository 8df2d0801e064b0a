//go:build unix

package molva

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// firstPassed is the first descriptor that a service manager passes (SD_LISTEN_FDS_START).
const firstPassed = 3

// Listeners returns the listening sockets that the service manager has passed to this process by LISTEN_FDS, LISTEN_PID
// and LISTEN_FDNAMES, as systemd does for a socket unit (sd_listen_fds(3)), and their names, in the same order. Each
// can be given to Server.Serve. There are none if the variables are not set or meant for another process.
//
// The variables are unset, so that child processes do not see them, and a second call returns nothing. If one of the
// descriptors is no listening stream socket, the error tells which, and those that are have been closed.
func Listeners() (listeners []net.Listener, names []string, err error) {
	pid, fds := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS")
	passed := strings.Split(os.Getenv("LISTEN_FDNAMES"), ":")
	for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		os.Unsetenv(name)
	}
	if pid != strconv.Itoa(os.Getpid()) {
		return nil, nil, nil
	}
	count, err := strconv.ParseUint(fds, 10, 16)
	if err != nil {
		return nil, nil, fmt.Errorf("molva: LISTEN_FDS is %q: %w", fds, err)
	}
	for i := range int(count) {
		var name string
		if i < len(passed) {
			name = passed[i]
		}
		l, e := passedListener(firstPassed + i)
		if e != nil {
			err = fmt.Errorf("molva: descriptor %d, %q, from the service manager: %w", firstPassed+i, name, e)
			break
		}
		listeners, names = append(listeners, l), append(names, name)
	}
	if err != nil {
		for _, l := range listeners {
			l.Close()
		}
		return nil, nil, err
	}
	return listeners, names, nil
}

// passedListener makes a listener of a descriptor and closes that: the listener has a copy of its own, which child
// processes do not inherit. A descriptor that is none is left alone. It may not have been passed at all, and belong to
// Go's runtime.
func passedListener(fd int) (net.Listener, error) {
	listening, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	if err != nil {
		return nil, os.NewSyscallError("getsockopt", err)
	}
	if listening == 0 {
		return nil, errors.New("socket does not listen")
	}
	file := os.NewFile(uintptr(fd), "passed socket")
	defer file.Close()
	return net.FileListener(file)
}
