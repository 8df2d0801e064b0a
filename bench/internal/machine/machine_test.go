//go:build linux

package machine

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

func TestProcessorsAreDescribed(t *testing.T) {
	for cpuinfo, want := range map[string]string{
		"processor\t: 0\nmodel name\t: Fast One\nflags\t\t: fpu vme\n":          "3 × Fast One, 2 GiB",
		"processor\t: 0\nmodel name\t: Fast One\nflags\t\t: fpu hypervisor vme": "3 × Fast One, virtual, 2 GiB",
		"processor\t: 0\nBogoMIPS\t: 50.00\n":                                   "3 × " + runtime.GOARCH + ", 2 GiB",
	} {
		m := Machine{Processors: 3, Memory: 2 << 30}
		if m.describe([]byte(cpuinfo)); m.String() != want {
			t.Errorf("%q: %v, want %s", cpuinfo, m, want)
		}
	}
}

func TestThisMachineIsKnown(t *testing.T) {
	m, err := Here()
	if err != nil || m.Processor == "" || m.Processors < 1 || m.Memory < 1<<20 || m.System == "" || m.Go != runtime.Version() {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestChangesAreSeenExceptOfTheDocument(t *testing.T) {
	folder := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=x", "-c", "user.email=x@example.com"}, args...)...)
		cmd.Dir = folder
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	commit := func() string {
		t.Helper()
		s, err := Commit(t.Context(), filepath.Join(folder, "bench"))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	git("init", "-q")
	for _, name := range []string{"bench/a", "code", "docs/benchmarks.md"} {
		write(name, "first")
	}
	git("add", ".")
	git("commit", "-q", "-m", "first")
	clean := commit()
	write("docs/benchmarks.md", "second")
	if got := commit(); got != clean {
		t.Errorf("the document makes %q of %q", got, clean)
	}
	write("code", "second")
	if got := commit(); got != clean+", changed" {
		t.Errorf("a change makes %q of %q", got, clean)
	}
}
