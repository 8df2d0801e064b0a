package proc

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
)

// Descriptors returns how many file descriptors a process has open.
func Descriptors(pid int) (int64, error) {
	folder := fmt.Sprintf("/proc/%d/fd", pid)
	info, err := os.Stat(folder)
	if err != nil {
		return 0, err
	}
	if info.Size() > 0 { // since Linux 6.2
		return info.Size(), nil
	}
	entries, err := os.ReadDir(folder)
	return int64(len(entries)), err
}

// Listeners returns how many sockets listen on an IPv4 address.
func Listeners(addr netip.AddrPort) (int, error) {
	table, err := os.ReadFile("/proc/net/tcp")
	if err != nil {
		return 0, err
	}
	return countListeners(table, addr), nil
}

// countListeners counts the lines of proc_net_tcp(5) with that local address and state 0A, which is TCP_LISTEN. The
// address is printed as the number that its bytes make in memory.
func countListeners(table []byte, addr netip.AddrPort) (n int) {
	ip := addr.Addr().As4()
	local := fmt.Appendf(nil, "%08X:%04X", binary.NativeEndian.Uint32(ip[:]), addr.Port())
	for line := range bytes.Lines(table) {
		fields := bytes.Fields(line)
		if len(fields) > 3 && bytes.Equal(fields[1], local) && string(fields[3]) == "0A" {
			n++
		}
	}
	return n
}

// MemAvailable returns how many bytes of memory the machine has for new work.
func MemAvailable() (int64, error) { return meminfo("MemAvailable:") }

// MemTotal returns how many bytes of memory the machine has.
func MemTotal() (int64, error) { return meminfo("MemTotal:") }

func meminfo(name string) (int64, error) {
	file, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, err
	}
	return parseKilobytes(file, name)
}
