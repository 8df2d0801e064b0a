package main

import (
	"bufio"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/molva-ws/molva"
)

// interruptible is molva bench in a process of its own.
type interruptible struct {
	cmd    *exec.Cmd
	out    strings.Builder
	stderr io.Reader
}

// startBench starts molva bench echo for an hour, and returns when it measures.
func startBench(t *testing.T, srv *molva.Server, more ...string) *interruptible {
	t.Helper()
	args := append([]string{"bench", "echo", benchServer(t, srv), "-d", "1h", "--warmup", "0s"}, more...)
	p := &interruptible{cmd: exec.Command(binary(t), args...)}
	p.cmd.Stdout = &p.out
	stderr, err := p.cmd.StderrPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	timer := time.AfterFunc(patience, func() { p.cmd.Process.Kill() })
	t.Cleanup(func() { timer.Stop() })
	lines := bufio.NewReader(stderr)
	for {
		line, err := lines.ReadString('\n')
		if err != nil || strings.HasPrefix(line, "measuring") {
			p.stderr = lines
			return p
		}
	}
}

// end waits for the process's end.
func (p *interruptible) end() result {
	said, _ := io.ReadAll(p.stderr)
	p.cmd.Wait()
	return result{p.cmd.ProcessState.ExitCode(), p.out.String(), string(said)}
}

// swallowing returns a server that answers nothing.
func swallowing() *molva.Server {
	return &molva.Server{OnMessage: func(*molva.Conn, molva.Message) {}}
}

func TestBenchTellsWhatItHasWhenInterrupted(t *testing.T) {
	for name, srv := range map[string]*molva.Server{"by an echo": {}, "while nothing comes back": swallowing()} {
		t.Run(name, func(t *testing.T) {
			p := startBench(t, srv, "--timeout", "1h")
			p.cmd.Process.Signal(syscall.SIGINT)
			p.end().wantsText(t, exitCanceled, "messages a second", "interrupted; the figures are of what was measured until then")
		})
	}
}

func TestBenchIsKilledByASecondInterrupt(t *testing.T) {
	p := startBench(t, swallowing(), "--timeout", "1h")
	ended := make(chan struct{})
	go func() { // one that comes with the first counts for nothing
		again := time.NewTicker(20 * time.Millisecond)
		defer again.Stop()
		for p.cmd.Process.Signal(syscall.SIGINT) == nil {
			select {
			case <-again.C:
			case <-ended:
				return
			}
		}
	}()
	p.end()
	close(ended)
	if status := p.cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != syscall.SIGINT {
		t.Errorf("ended as %v, with %q", p.cmd.ProcessState, p.out.String())
	}
}
