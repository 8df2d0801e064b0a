package load

import (
	"bytes"
	"fmt"
	"os"
	"strconv"

	"github.com/molva-ws/molva/internal/machine"
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

// raiseDescriptors raises the soft limit on descriptors to the hard one, and fails if that is too low for the run.
func raiseDescriptors(cfg *Config) error {
	most, err := machine.RaiseDescriptors()
	if err != nil {
		return err
	}
	if uint64(cfg.Conns+machine.SpareDescriptors) > most {
		return descriptorLimit(cfg, nil)
	}
	return nil
}

func descriptorLimit(cfg *Config, err error) error {
	most, _ := machine.RaiseDescriptors()
	want := max(uint64(cfg.Conns+machine.SpareDescriptors), 2*most*min(1, uint64(btoi(err != nil))))
	return &LimitError{fmt.Sprintf("%d connections need more descriptors than the %d this process may have (RLIMIT_NOFILE)",
		cfg.Conns, most), err, machine.LiftDescriptors(want)}
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
