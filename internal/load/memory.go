package load

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/molva-ws/molva/internal/proc"
)

// perMessage is what a message under way takes beside its payload: a frame's header, and when it left.
const perMessage = 24

// underWay returns how many bytes may be under way at once if the server keeps all that it can.
func (c *Config) underWay() uint64 {
	conns, inflight := uint64(c.Conns), uint64(c.Inflight)
	messages := conns * inflight
	switch c.Mode {
	case Idle:
		messages = min(conns, sampleSize)
	case Storm:
		messages = conns
	case Fanout:
		messages = inflight
	}
	size := uint64(c.Size)
	if c.Mode == Soak {
		size /= soakShare
	}
	stamps := messages * perMessage
	if c.Rate > 0 {
		messages = min(messages, uint64(c.Rate*(c.Warmup+c.Duration+c.Patience).Seconds()))
	}
	return stamps + messages*size
}

// checkMemory refuses a run whose messages do not fit into the machine, where the server may have as many of them.
// available is 0 where it is not known.
func checkMemory(c *Config, available uint64) error {
	const mib = 1 << 20
	if n := c.underWay(); available > 0 && n > available/2 {
		return fmt.Errorf("messages under way can take %d MiB here and as much in the server, and this machine has %d MiB "+
			"of memory left: fewer connections (--conns), fewer messages at a time (--inflight), or smaller ones (--size)",
			n/mib, available/mib)
	}
	return nil
}

// availableMemory returns how many bytes of memory the machine has left; 0 if that is not known.
func availableMemory() uint64 {
	n, err := proc.MemAvailable()
	if err != nil {
		return 0
	}
	return uint64(n)
}

// memory returns what the server's processes hold.
func memory(pids []int) (total int64, err error) {
	for _, pid := range pids {
		rss, err := proc.RSS(pid)
		if err != nil {
			return 0, processError(pid, err)
		}
		total += rss
	}
	return total, nil
}

// processError says why nothing is known of a process of the server.
func processError(pid int, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist) && !canTell():
		return errors.New("only Linux tells what a process uses: leave --pid out")
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ESRCH), errors.Is(err, proc.ErrFormat):
		return fmt.Errorf("the server's process: %d is none of this machine, or has ended", pid)
	}
	return fmt.Errorf("the server's process: %w", err)
}

// canTell reports whether this system tells what processes use.
func canTell() bool {
	_, err := os.Stat("/proc/self/stat")
	return err == nil
}
