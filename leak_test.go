package molva_test

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain fails the package when a test has left a goroutine of the library behind.
func TestMain(m *testing.M) {
	if l, err := net.Listen("tcp", "127.0.0.1:0"); err == nil {
		l.Close() // the runtime opens its poller with the first socket, and keeps it
	}
	code := m.Run()
	if code == 0 && !within(time.Minute, func() bool { return len(libraryGoroutines()) == 0 }) {
		fmt.Fprintf(os.Stderr, "goroutines left behind:\n\n%s\n", strings.Join(libraryGoroutines(), "\n\n"))
		code = 1
	}
	os.Exit(code)
}

// libraryGoroutines returns the stacks of all goroutines but this one that run code of the library or its tests.
func libraryGoroutines() []string {
	stacks := make([]byte, 1<<20)
	for {
		n := runtime.Stack(stacks, true)
		if n < len(stacks) {
			stacks = stacks[:n]
			break
		}
		stacks = make([]byte, 2*len(stacks))
	}
	var found []string
	_, others, _ := strings.Cut(string(stacks), "\n\n")
	for stack := range strings.SplitSeq(others, "\n\n") {
		// A test that waits for its subtests, or for its turn, is none.
		if strings.Contains(stack, "molva-ws/molva") && !strings.Contains(stack, "testing.(*T).") {
			found = append(found, stack)
		}
	}
	return found
}

// openFiles returns the number of descriptors that the process holds, or 0 where the system does not tell.
func openFiles() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}

// within waits until ok, for what nothing announces, and reports whether it came to be in time.
func within(patience time.Duration, ok func() bool) bool {
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(5 * time.Millisecond)
	}
	return true
}
