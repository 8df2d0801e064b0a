//go:build linux

package main

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/molva-ws/molva/internal/shortdir"
)

// The files of deploy/ are what these tests use, with the paths and addresses of this machine put in.

// deployed writes a file of deploy/ into dir with some texts replaced, each of which must be there.
func deployed(t *testing.T, name, dir string, replace ...string) (path string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(replace); i += 2 {
		if !bytes.Contains(text, []byte(replace[i])) {
			t.Fatalf("%q is not in %s", replace[i], name)
		}
		text = bytes.ReplaceAll(text, []byte(replace[i]), []byte(replace[i+1]))
	}
	path = filepath.Join(dir, name)
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheUnitsAreAsSystemdWantsThem(t *testing.T) {
	analyze, dir := program(t, "systemd-analyze"), t.TempDir()
	service := deployed(t, "molva.service", dir, "/usr/local/bin/molva", binary(t))
	socket := deployed(t, "molva.socket", dir)
	if r := runCommand(t, "", nil, analyze, "verify", service, socket); r.code != 0 || r.out+r.errOut != "" {
		t.Errorf("verify: %+v", r)
	}
	// Half a point is the network, which it is for; a service that nothing is done about has more than nine.
	if r := runCommand(t, "", nil, analyze, "security", "--offline=yes", "--threshold=15", service); r.code != 0 {
		t.Errorf("its exposure is too high:\n%s", r.out)
	}
}

func TestTheConfigurationOfTheUnitHasNoMistake(t *testing.T) {
	molvaRun(t, "", "config", "check", "../../deploy/molva.toml").wantsText(t, 0, "no mistakes", "")
}

// TestTheUnitAllowsEverySystemCall follows a server from its start to its end and compares its system calls with those
// that the unit lets pass.
func TestTheUnitAllowsEverySystemCall(t *testing.T) {
	strace, dir := program(t, "strace"), shortdir.New(t)
	allowed := unitCalls(t, program(t, "systemd-analyze"))
	socket, journal := filepath.Join(dir, "molva.sock"), filepath.Join(dir, "calls")
	cmd := exec.Command(strace, "-f", "-qq", "-o", journal, binary(t), "serve", "--listen", "127.0.0.1:0",
		"--socket", socket, "--log-format", "json")
	cmd.Env = environment()
	inGroup(cmd)
	s := launch(t, cmd)
	t.Cleanup(func() { killGroup(cmd) })
	s.waitReady()
	c := s.connect("42")
	molvaRun(t, "", "send", "--socket", socket, "--user", "42", "hi").wantsText(t, 0, "reached 1 connection\n", "")
	c.hears(`"hi"`)
	molvaRun(t, "", "reload", "--socket", socket).wantsText(t, 0, "", "")
	get(t, s.url+"/metrics")
	syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
	s.wait()
	made, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	names := make(map[string]bool)
	for _, call := range regexp.MustCompile(`(?m)^\d+ +([a-z0-9_]+)\(`).FindAllSubmatch(made, -1) {
		names[string(call[1])] = true
	}
	if !names["epoll_wait"] && !names["epoll_pwait"] || !names["accept4"] {
		t.Fatalf("these cannot be all: %v", names)
	}
	for name := range names {
		if !allowed[name] {
			t.Errorf("%s is not allowed by SystemCallFilter", name)
		}
	}
}

// unitCalls returns the system calls that SystemCallFilter of the unit allows.
func unitCalls(t *testing.T, analyze string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("../../deploy/molva.service")
	if err != nil {
		t.Fatal(err)
	}
	calls := make(map[string]bool)
	for _, line := range regexp.MustCompile(`(?m)^SystemCallFilter=(~?)(.*)$`).FindAllStringSubmatch(string(text), -1) {
		for set := range strings.FieldsSeq(line[2]) {
			addCalls(t, analyze, set, line[1] == "", calls)
		}
	}
	// systemd allows these whatever is said (systemd.exec(5)).
	addCalls(t, analyze, "@default", true, calls)
	for _, name := range []string{"execve", "exit", "exit_group", "getrlimit", "rt_sigreturn", "sigreturn"} {
		calls[name] = true
	}
	return calls
}

// addCalls allows the calls of a set, or takes them away.
func addCalls(t *testing.T, analyze, set string, allow bool, calls map[string]bool) {
	t.Helper()
	r := runCommand(t, "", nil, analyze, "syscall-filter", set)
	if r.code != 0 {
		t.Fatalf("%+v", r)
	}
	for line := range strings.Lines(r.out) {
		switch name := strings.TrimSpace(line); {
		case name == "" || name == set || name[0] == '#':
		case name[0] == '@':
			addCalls(t, analyze, name, allow, calls)
		default:
			calls[name] = allow
		}
	}
}

// TestTheImageHasAProgramThatNeedsNothing runs the line of the Dockerfile that builds.
func TestTheImageHasAProgramThatNeedsNothing(t *testing.T) {
	dir := t.TempDir()
	text, err := os.ReadFile(deployed(t, "Dockerfile", dir, "-o /molva ", "-o "+dir+"/molva "))
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^RUN (CGO_ENABLED=0 .*)$`).FindSubmatch(text)
	if line == nil {
		t.Fatal("no line of it builds")
	}
	cmd := exec.Command("sh", "-c", string(line[1]))
	cmd.Dir = "../.."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	built, err := elf.Open(filepath.Join(dir, "molva"))
	if err != nil {
		t.Fatal(err)
	}
	defer built.Close()
	for _, p := range built.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("it is not static: %v", p.Type)
		}
	}
}
