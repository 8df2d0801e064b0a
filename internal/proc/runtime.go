package proc

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// RunTime is [CPU] to the nanosecond, of the threads that a process has now: what it tells of a process whose threads end
// is too little.
func RunTime(pid int) (total time.Duration, err error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		return 0, err
	}
	for _, thread := range threads {
		file, err := os.ReadFile(thread)
		if err != nil {
			return 0, err
		}
		d, err := parseSchedstat(file)
		if err != nil {
			return 0, err
		}
		total += d
	}
	if total == 0 {
		return 0, fmt.Errorf("no schedstat of %d: %w", pid, os.ErrNotExist)
	}
	return total, nil
}

// parseSchedstat returns the first of three numbers, the nanoseconds on a processor.
func parseSchedstat(file []byte) (time.Duration, error) {
	fields := bytes.Fields(file)
	if len(fields) != 3 {
		return 0, fmt.Errorf("schedstat: %w", ErrFormat)
	}
	n, err := strconv.ParseInt(string(fields[0]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("schedstat: %w: %w", ErrFormat, err)
	}
	return time.Duration(n), nil
}
