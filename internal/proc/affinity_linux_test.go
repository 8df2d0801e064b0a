package proc

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestStartOnPinsTheChildAndNotUs(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, after unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		t.Fatal(err)
	}
	var status bytes.Buffer
	cmd := exec.Command("grep", "Cpus_allowed_list", "/proc/self/status")
	cmd.Stdout = &status
	if err := StartOn(0, cmd); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if got := string(bytes.TrimSpace(status.Bytes())); got != "Cpus_allowed_list:\t0" {
		t.Errorf("child may run on: %q", got)
	}
	if err := unix.SchedGetaffinity(0, &after); err != nil || after != before {
		t.Errorf("affinity was %v, is %v, %v", before, after, err)
	}
}

// TestChildrenDoNotOutliveUs has a process of its own start a child, and kills it.
func TestChildrenDoNotOutliveUs(t *testing.T) {
	if os.Getenv("STARTER") != "" {
		if err := StartOn(0, exec.Command("sleep", "1000")); err != nil {
			t.Fatal(err)
		}
		select {}
	}
	starter := exec.Command(os.Args[0], "-test.run", "^TestChildrenDoNotOutliveUs$")
	starter.Env = append(os.Environ(), "STARTER=1")
	if err := starter.Start(); err != nil {
		t.Fatal(err)
	}
	var child string
	await(t, "the child", func() bool {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", starter.Process.Pid))
		for _, thread := range threads {
			children, _ := os.ReadFile(thread)
			child += strings.TrimSpace(string(children))
		}
		return child != ""
	})
	if err := starter.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	starter.Wait()
	await(t, "the end of the child", func() bool {
		stat, err := os.ReadFile("/proc/" + child + "/stat")
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for began := time.Now(); !done(); time.Sleep(time.Millisecond) {
		if time.Since(began) > 20*time.Second {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
