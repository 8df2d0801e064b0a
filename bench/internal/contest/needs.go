//go:build linux

package contest

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/molva-ws/molva/internal/proc"
)

// Need is a setting of the kernel that a cell needs.
type Need struct {
	Name    string
	AtLeast int64
	// InUse is another setting, which is 0 where this one does not matter; empty if it always does.
	InUse string
}

// Lift is the command that gives it.
func (n Need) Lift() string { return fmt.Sprintf("sudo sysctl -w %s=%d", n.Name, n.AtLeast) }

// met tells whether the kernel is set so, or does not know the setting.
func (n Need) met() bool {
	if n.InUse != "" {
		if used, known := sysctl(n.InUse); !known || used == 0 {
			return true
		}
	}
	now, known := sysctl(n.Name)
	return !known || now >= n.AtLeast
}

// sysctl reads a setting that is one number.
func sysctl(name string) (value int64, known bool) {
	file, err := os.ReadFile("/proc/sys/" + strings.ReplaceAll(name, ".", "/"))
	if err != nil {
		return 0, false
	}
	value, err = strconv.ParseInt(strings.TrimSpace(string(file)), 10, 64)
	return value, err == nil
}

// Needs are what the kernel has to be set to for so many connections within one machine, each of which is two sockets.
func Needs(c Cell) []Need {
	if c.Mode != Idle {
		return nil
	}
	sockets := int64(2*c.Conns + 100_000) // and some for the rest of the machine
	return []Need{
		{Name: "fs.file-max", AtLeast: sockets},
		{Name: "fs.epoll.max_user_watches", AtLeast: sockets},
		{Name: "net.core.somaxconn", AtLeast: 4096},
		// On the loopback connections are tracked only where a firewall asks for it.
		{"net.netfilter.nf_conntrack_max", int64(c.Conns) + 50_000, "net.netfilter.nf_conntrack_count"},
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
