package load

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// wholeLoopback says that all of 127.0.0.0/8 can be bound to.
const wholeLoopback = true

// localPorts returns how many ports connections can come from, on one address.
func localPorts() int {
	first, last := 32768, 60999
	if b, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		fmt.Sscan(string(b), &first, &last)
	}
	return max(2, last-first+1)
}

// spareDescriptors is what a run needs beside its connections.
const spareDescriptors = 64

// raiseDescriptors raises the soft limit on descriptors to the hard one, and fails if that is too low for the run.
func raiseDescriptors(cfg *Config) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return os.NewSyscallError("getrlimit", err)
	}
	if limit.Cur < limit.Max {
		limit.Cur = limit.Max
		syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
		syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
	}
	if uint64(cfg.Conns+spareDescriptors) > limit.Cur {
		return descriptorLimit(cfg, nil)
	}
	return nil
}

func descriptorLimit(cfg *Config, err error) error {
	var limit syscall.Rlimit
	syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit)
	want := max(uint64(cfg.Conns+spareDescriptors)+1023&^1023, 2*limit.Cur*min(1, uint64(btoi(err != nil))))
	var lift []string
	if b, e := os.ReadFile("/proc/sys/fs/nr_open"); e == nil {
		if most, e := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64); e == nil && want > most {
			lift = append(lift, fmt.Sprintf("sudo sysctl -w fs.nr_open=%d", want))
		}
	}
	lift = append(lift, fmt.Sprintf("sudo prlimit --pid $$ --nofile=%d:%d    # for this shell and what it starts", want, want))
	return &LimitError{fmt.Sprintf("%d connections need more descriptors than the %d this process may have (RLIMIT_NOFILE)",
		cfg.Conns, limit.Cur), err, lift}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// listenOverflows returns how often somebody found an accept queue of this machine full.
func listenOverflows() uint64 {
	b, err := os.ReadFile("/proc/net/netstat")
	if err != nil {
		return 0
	}
	return netstat(b, "TcpExt:", "ListenOverflows")
}

// netstat reads a counter from a file that has a line of names above each line of numbers.
func netstat(file []byte, group, name string) uint64 {
	var names [][]byte
	for line := range bytes.Lines(file) {
		fields := bytes.Fields(line)
		if len(fields) == 0 || string(fields[0]) != group {
			continue
		}
		if names == nil {
			names = fields
			continue
		}
		for i, field := range fields {
			if i < len(names) && string(names[i]) == name {
				n, _ := strconv.ParseUint(string(field), 10, 64)
				return n
			}
		}
		names = nil
	}
	return 0
}
