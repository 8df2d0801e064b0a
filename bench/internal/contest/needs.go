//go:build linux

package contest

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/molva-ws/molva/bench/internal/proc"
)

// Need is a setting of the kernel that a cell needs.
type Need struct {
	Name    string
	AtLeast int64
}

// Lift is the command that gives it.
func (n Need) Lift() string { return fmt.Sprintf("sudo sysctl -w %s=%d", n.Name, n.AtLeast) }

// met tells whether the kernel is set so, or does not know the setting.
func (n Need) met() bool {
	file, err := os.ReadFile("/proc/sys/" + strings.ReplaceAll(n.Name, ".", "/"))
	if err != nil {
		return true
	}
	now, err := strconv.ParseInt(strings.TrimSpace(string(file)), 10, 64)
	return err != nil || now >= n.AtLeast
}

// Needs are what the kernel has to be set to for so many connections within one machine, each of which is two sockets.
func Needs(c Cell) []Need {
	if c.Mode != Idle {
		return nil
	}
	sockets := int64(2*c.Conns + 100_000) // and some for the rest of the machine
	return []Need{
		{"fs.file-max", sockets},
		{"fs.epoll.max_user_watches", sockets},
		{"net.core.somaxconn", 4096},
		{"net.netfilter.nf_conntrack_max", int64(c.Conns) + 50_000}, // where there is connection tracking
	}
}

// leastPerConn is the memory that a connection costs at least: some of both processes, and two sockets of the kernel.
const leastPerConn = 8 << 10

// lacks says what this machine lacks for a cell; nothing, if it can be measured.
func lacks(c Cell) (string, error) {
	var lift []string
	for _, n := range Needs(c) {
		if !n.met() {
			lift = append(lift, n.Lift())
		}
	}
	if len(lift) > 0 {
		return "the kernel has to be told: " + strings.Join(lift, "; "), nil
	}
	if c.Mode != Idle {
		return "", nil
	}
	available, err := proc.MemAvailable()
	if err != nil {
		return "", err
	}
	if needed := int64(c.Conns) * leastPerConn; available < needed {
		return fmt.Sprintf("it needs %s MiB of memory, and %s are free", Thousands(int(needed>>20)), Thousands(int(available>>20))), nil
	}
	return "", nil
}
