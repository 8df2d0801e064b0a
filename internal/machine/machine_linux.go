package machine

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Of returns the limits of this process. It raises what it may raise itself, which is the soft limit on descriptors.
func Of() Limits {
	var l Limits
	l.Descriptors, _ = RaiseDescriptors()
	n, _ := readNumber("/proc/sys/net/core/somaxconn")
	l.AcceptQueue = int(n)
	return l
}

// RaiseDescriptors raises the soft limit on descriptors to the hard one, and returns where it stands.
func RaiseDescriptors() (uint64, error) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, os.NewSyscallError("getrlimit", err)
	}
	if limit.Cur < limit.Max {
		limit.Cur = limit.Max
		syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
		syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
	}
	return limit.Cur, nil
}

// LiftDescriptors returns the commands by which a process may have so many descriptors, or what has to be in its unit.
func LiftDescriptors(want uint64) []string {
	want = (want + 1023) &^ 1023
	var lift []string
	if most, ok := readNumber("/proc/sys/fs/nr_open"); ok && want > most {
		lift = append(lift, fmt.Sprintf("sudo sysctl -w fs.nr_open=%d", want))
	}
	if os.Getenv("SYSTEMD_EXEC_PID") == strconv.Itoa(os.Getpid()) { // systemd has started this very process
		return append(lift, fmt.Sprintf("LimitNOFILE=%d under [Service] in its unit", want))
	}
	return append(lift, fmt.Sprintf("sudo prlimit --pid $$ --nofile=%d:%d    # for this shell and what it starts", want, want))
}

func readNumber(file string) (uint64, bool) {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
	return n, err == nil
}
