package loop

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Tick has a loop call h.Data at start and then each time that every has passed, for as long as the connection that
// start is given is not aborted; ticks that the loop was too busy for come as one. p is of no meaning. It is far more
// precise than [Conn.SetTimer] and than the timers of the runtime, and costs a descriptor.
func (g *Group) Tick(loop int, every time.Duration, start func(Conn) Handler) error {
	if g.draining.Load() {
		return ErrShutdown
	}
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("timerfd_create", err)
	}
	spec := unix.ItimerSpec{
		Interval: unix.NsecToTimespec(max(1, every.Nanoseconds())),
		Value:    unix.NsecToTimespec(1),
	}
	if err := unix.TimerfdSettime(fd, 0, &spec, nil); err != nil {
		unix.Close(fd)
		return os.NewSyscallError("timerfd_settime", err)
	}
	g.loops[loop].admit(fd, endpoint{family: unix.AF_UNIX}, &opening{open: start})
	return nil
}
