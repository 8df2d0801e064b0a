package load

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/molva-ws/molva/internal/machine"
)

// A LimitError says which limit of the machine was hit.
type LimitError struct {
	What  string   // the limit, and where it stands
	Cause error    // what the system said; nil if we did not wait for that
	Lift  []string // commands that lift it
}

// Error returns the limit, and the commands on lines of their own.
func (e *LimitError) Error() string {
	s := e.What
	if e.Cause != nil {
		s = e.Cause.Error() + ": " + s
	}
	if len(e.Lift) > 0 {
		s += "; what lifts it:\n    " + strings.Join(e.Lift, "\n    ")
	}
	return s
}

// Unwrap returns the cause.
func (e *LimitError) Unwrap() error { return e.Cause }

// isTransient reports whether a connection that could not be opened is worth another try.
func isTransient(err error) bool {
	var limit *LimitError
	return !errors.Is(err, errRefused) && !errors.Is(err, errNoDeflate) && !errors.As(err, &limit)
}

// advise says what to do about an error of opening a connection.
func advise(err error, f *fleet) error {
	open := f.live.Load()
	switch {
	case errors.Is(err, syscall.EMFILE):
		return descriptorLimit(f.cfg, err)
	case errors.Is(err, syscall.ENFILE):
		return &LimitError{"the machine is out of file descriptors (fs.file-max)", err,
			[]string{"sudo sysctl -w fs.file-max=4194304"}}
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return f.sources.limit(err, f)
	case errors.Is(err, syscall.ENOMEM), errors.Is(err, syscall.ENOBUFS):
		return &LimitError{fmt.Sprintf("the kernel has no memory left for sockets after %d connections", open), err,
			[]string{"sudo sysctl -w net.ipv4.tcp_mem='8388608 12582912 16777216'"}}
	case errors.Is(err, syscall.ENOSPC):
		return &LimitError{"the kernel watches no more sockets for one user (fs.epoll.max_user_watches)", err,
			[]string{"sudo sysctl -w fs.epoll.max_user_watches=4194304"}}
	case errors.Is(err, syscall.ECONNREFUSED) && open == 0:
		return fmt.Errorf("nobody listens on %v: %w", f.target.addr, err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return queueLimit(fmt.Sprintf("the server refuses connections after %d: it has ended, or its accept queue is full "+
			"and the machine is told to say so (tcp_abort_on_overflow)", open), err)
	case errors.Is(err, errOpenLate) || errors.Is(err, syscall.ETIMEDOUT) || isTimeout(err):
		return late(err, f)
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return fmt.Errorf("the server cut a connection during the opening handshake, with %d open: %w%s", open, err,
			f.target.wantsTLS(open))
	}
	return adviseOnTLS(err, f.target)
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// late says why a connection may have taken too long to open.
func late(err error, f *fleet) error {
	if n := f.overflows(); n > 0 {
		return queueLimit(fmt.Sprintf("an accept queue of this machine overflowed %d times, and who is left out "+
			"tries again after a second, three, seven", n), err)
	}
	return fmt.Errorf("a connection did not open within %v, with %d open: %w; the server may be too slow (--ramp opens "+
		"fewer a second, --timeout waits longer), or have reached a limit of its own, such as ulimit -n",
		f.cfg.Patience, f.live.Load(), err)
}

// queueLimit is about the queue of those who wait to be accepted.
func queueLimit(what string, err error) error {
	return &LimitError{what, err, []string{
		machine.LiftAcceptQueue + "    # and start the server again",
		"molva bench … --ramp 2000    # or come more slowly",
	}}
}
