//go:build linux

// Package machine tells what a measurement ran on.
package machine

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/molva-ws/molva/internal/proc"
)

// Machine is what figures depend on beside the code.
type Machine struct {
	Processor  string `json:"processor"`
	Processors int    `json:"processors"`
	Virtual    bool   `json:"virtual,omitempty"`
	Memory     int64  `json:"memory"` // bytes
	System     string `json:"system"`
	Go         string `json:"go"`
}

// Here returns the machine this runs on.
func Here() (Machine, error) {
	m := Machine{Processors: runtime.NumCPU(), Go: runtime.Version()}
	cpuinfo, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return m, err
	}
	m.describe(cpuinfo)
	if m.Memory, err = proc.MemTotal(); err != nil {
		return m, err
	}
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return m, fmt.Errorf("uname: %w", err)
	}
	m.System = unix.ByteSliceToString(name.Sysname[:]) + " " + unix.ByteSliceToString(name.Release[:])
	return m, nil
}

// describe reads what /proc/cpuinfo says.
func (m *Machine) describe(cpuinfo []byte) {
	for line := range bytes.Lines(cpuinfo) {
		name, value, _ := strings.Cut(string(line), ":")
		switch name, value = strings.TrimSpace(name), strings.TrimSpace(value); name {
		case "model name":
			m.Processor = value
		case "flags":
			m.Virtual = strings.Contains(" "+value+" ", " hypervisor ")
		}
	}
	if m.Processor == "" { // as on arm64
		m.Processor = runtime.GOARCH
	}
}

// String says it in a line.
func (m Machine) String() string {
	s := fmt.Sprintf("%d × %s", m.Processors, m.Processor)
	if m.Virtual {
		s += ", virtual"
	}
	return fmt.Sprintf("%s, %.0f GiB", s, float64(m.Memory)/(1<<30))
}

// Commit names the commit of the checkout that a folder is in, with a mark if files have changed since, those under docs
// aside, as measuring writes there.
func Commit(ctx context.Context, folder string) (string, error) {
	git := func(args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, "git", args...)
		cmd.Dir = folder
		out, err := cmd.Output()
		return strings.TrimSpace(string(out)), err
	}
	commit, err := git("rev-parse", "--short=9", "HEAD")
	if err != nil {
		return "", fmt.Errorf("git rev-parse HEAD: %w", err)
	}
	changed, err := git("status", "--porcelain", "--untracked-files=no", "--", ":/", ":(top,exclude)docs")
	if err != nil {
		return "", fmt.Errorf("git status: %w", err)
	}
	if changed != "" {
		commit += ", changed"
	}
	return commit, nil
}
