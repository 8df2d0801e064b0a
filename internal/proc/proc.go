// Package proc reads what Linux knows of a process: processor time and memory.
package proc

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"
)

// tick is the unit of the times in /proc/PID/stat: USER_HZ is 100 on every
// architecture Go runs on.
const tick = time.Second / 100

// ErrFormat says that a file of /proc does not look as proc(5) describes it.
var ErrFormat = errors.New("unexpected format")

// CPU returns the user and system time that a process has used so far, all its
// threads together, in steps of 10 ms.
func CPU(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	return parseStat(stat)
}

// parseStat adds fields 14 and 15 of proc_pid_stat(5), utime and stime. Field 2
// is the program's name in parentheses and may hold spaces and parentheses
// itself, so the counting starts behind the last one.
func parseStat(stat []byte) (time.Duration, error) {
	const utime, stime, firstAfterName = 14, 15, 3
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) <= stime-firstAfterName {
		return 0, fmt.Errorf("stat: %w", ErrFormat)
	}
	var ticks int64
	for _, field := range []int{utime, stime} {
		n, err := strconv.ParseInt(string(fields[field-firstAfterName]), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("stat: %w: %w", ErrFormat, err)
		}
		ticks += n
	}
	return time.Duration(ticks) * tick, nil
}

// RSS returns the bytes of memory a process holds. The exact sum over its
// mappings is preferred to the counter in status, which lags on many cores.
func RSS(pid int) (int64, error) {
	rollup, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err == nil {
		return parseKilobytes(rollup, "Rss:")
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	return parseKilobytes(status, "VmRSS:")
}

// parseKilobytes finds the line "Name:   123 kB" and returns bytes.
func parseKilobytes(file []byte, name string) (int64, error) {
	for line := range bytes.Lines(file) {
		fields := bytes.Fields(line)
		if len(fields) != 3 || string(fields[0]) != name || string(fields[2]) != "kB" {
			continue
		}
		n, err := strconv.ParseInt(string(fields[1]), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s %w: %w", name, ErrFormat, err)
		}
		return n << 10, nil
	}
	return 0, fmt.Errorf("no %s: %w", name, ErrFormat)
}
