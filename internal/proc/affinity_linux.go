package proc

import (
	"fmt"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// StartOn starts a command that may run on one processor only, and that does not
// outlive this process, even one that is killed. Affinity is inherited from the
// thread that forks, so the calling thread moves there for that moment.
func StartOn(cpu int, cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, only unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return fmt.Errorf("sched_getaffinity: %w", err)
	}
	only.Set(cpu)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := unix.SchedSetaffinity(0, &only); err != nil {
		return fmt.Errorf("sched_setaffinity to processor %d: %w", cpu, err)
	}
	err := cmd.Start()
	if restore := unix.SchedSetaffinity(0, &before); err == nil && restore != nil {
		return fmt.Errorf("sched_setaffinity back: %w", restore)
	}
	return err
}
