package main

import (
	"fmt"
	"os"
	"regexp"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/molva-ws/molva"
)

func TestBenchSaysHowToLiftTheLimitOnDescriptors(t *testing.T) {
	url := benchServer(t, new(molva.Server))
	script := `ulimit -n 100 && exec "$0" "$@"`
	r := runCommand(t, "", nil, "sh", "-c", script, binary(t), "bench", "idle", "-c", "200", "--hold", "1ms", url)
	r.wantsText(t, exitFailed, "", "200 connections need more descriptors than the 100 this process may have (RLIMIT_NOFILE)")
	r.wantsText(t, exitFailed, "", "sudo prlimit --pid $$ --nofile=")
}

func TestBenchSaysWhatIsWrongWithASource(t *testing.T) {
	url := benchServer(t, new(molva.Server))
	benchRun(t, "echo", url, "--source", "192.0.2.1").wantsText(t, exitFailed, "", "sudo ip addr add 192.0.2.1/32 dev lo")
	benchRun(t, "echo", url, "--source", "127.0.0.9-127.0.0.2").wantsText(t, exitUsage, "", "not a range such as")
	benchRun(t, "echo", url, "--source", "::1").wantsText(t, exitUsage, "", "from ::1 there is no way to 127.0.0.1")
	benchRun(t, "echo", url, "--source", "127.0.0.2-127.0.0.4,127.0.0.7").wantsText(t, 0, "every byte", "")
}

func TestBenchSaysHowToLengthenAnAcceptQueue(t *testing.T) {
	t.Parallel()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 1); err != nil { // and nobody accepts
		t.Fatal(err)
	}
	addr, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	url := fmt.Sprintf("127.0.0.1:%d", addr.(*unix.SockaddrInet4).Port)
	r := benchRun(t, "echo", url, "-c", "20", "--timeout", "2s")
	r.wantsText(t, exitFailed, "", "an accept queue of this machine overflowed")
	r.wantsText(t, exitFailed, "", "sudo sysctl -w net.core.somaxconn=65535")
}

func TestBenchRedrawsItsProgressOnATerminal(t *testing.T) {
	t.Parallel()
	master, slave := openTerminal(t)
	defer slave.Close()
	url := benchServer(t, new(molva.Server))
	code := make(chan int, 1)
	go func() {
		args := []string{"bench", "echo", url, "-d", "3s", "--warmup", "0s"}
		code <- run(t.Context(), args, streams{os.Stdin, discard{}, slave})
	}()
	term := &connectTerminal{t: t, master: master, grew: make(chan struct{}, 1)}
	go term.watch()
	if got := <-code; got != 0 {
		t.Errorf("exit code %d", got)
	}
	term.shows(" \r") // the end, when it is taken off
	// A busy machine may need a second to open them all, too.
	once := regexp.MustCompile(`^(\ropening[^\r\n]*)*(\rmeasuring, [1-9] s of 3: 100 connections, [0-9,]+ messages/s *){2,}\r +\r$`)
	if !once.MatchString(term.text()) {
		t.Errorf("not one line, drawn again: %q", term.text())
	}
}

func TestBenchLogsItsProgressElsewhere(t *testing.T) {
	t.Parallel()
	r := benchRun(t, "idle", benchServer(t, new(molva.Server)), "--hold", "3s")
	// A busy machine may need longer than it should, which is a line more.
	if !regexp.MustCompile(`^(holding, [2-9] s of 3: 10 connections\n){1,2}$`).MatchString(r.errOut) {
		t.Errorf("not a line every two seconds: %q", r.errOut)
	}
}

func TestBenchIsQuiet(t *testing.T) {
	t.Parallel()
	if r := benchRun(t, "idle", benchServer(t, new(molva.Server)), "--hold", "3s", "-q"); r.errOut != "" {
		t.Errorf("not quiet: %q", r.errOut)
	}
}

// discard is a stream that nobody reads, and no terminal.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
