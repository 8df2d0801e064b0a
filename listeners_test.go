//go:build unix

package molva_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/molva-ws/molva"
)

// childMode is set where this binary was started by another test of it, and says what for.
const childMode = "MOLVA_TEST_LISTENERS"

// TestListenersChild is the process that gets the sockets. In the mode "serve" it serves on them until its input ends.
func TestListenersChild(t *testing.T) {
	mode := os.Getenv(childMode)
	if mode == "" {
		t.Skip("is run by the tests of Listeners")
	}
	listeners, names, err := molva.Listeners()
	if _, set := os.LookupEnv("LISTEN_FDS"); set {
		t.Error("LISTEN_FDS is still set")
	}
	again, _, againErr := molva.Listeners()
	if again != nil || againErr != nil {
		t.Errorf("the second call returned %v, %v", again, againErr)
	}
	fmt.Printf("got %d %q %v\n", len(listeners), names, err)
	if mode != "serve" {
		return
	}
	srv := &molva.Server{OnMessage: echo}
	served := make(chan error)
	for _, l := range listeners {
		go func() { served <- srv.Serve(l) }()
	}
	io.Copy(io.Discard, os.Stdin)
	shutdown(t, srv)
	for range listeners {
		if err := <-served; err != molva.ErrServerClosed {
			t.Errorf("Serve returned %v", err)
		}
	}
}

// passTo starts this binary with files as a service manager does, and returns what the child says of them. It lives
// until the test ends. The shell knows the process number that the variable has to have.
func passTo(t *testing.T, mode, env string, files ...*os.File) string {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", env+` exec "$0" "$@"`, os.Args[0], "-test.run=^TestListenersChild$", "-test.v")
	cmd.Env = append(os.Environ(), childMode+"="+mode)
	cmd.ExtraFiles = files
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	t.Cleanup(func() {
		stdin.Close()
		rest, _ := io.ReadAll(lines)
		if err := cmd.Wait(); err != nil {
			t.Errorf("child: %v\n%s", err, rest)
		}
	})
	for {
		line, err := lines.ReadString('\n')
		if said, ok := strings.CutPrefix(line, "got "); ok || err != nil {
			return strings.TrimSpace(said)
		}
	}
}

// file returns a descriptor of a socket to be passed, and closes the socket here when the test ends.
func file(t *testing.T, socket interface{ File() (*os.File, error) }) *os.File {
	t.Helper()
	f, err := socket.File()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.Close()
		socket.(io.Closer).Close()
	})
	return f
}

func TestListenersServesOnWhatTheServiceManagerPasses(t *testing.T) {
	tcp := listen(t, "tcp", "127.0.0.1:0")
	unix := listen(t, "unix", filepath.Join(t.TempDir(), "socket"))
	said := passTo(t, "serve", "LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=web:local",
		file(t, tcp.(*net.TCPListener)), file(t, unix.(*net.UnixListener)))
	if want := `2 ["web" "local"] <nil>`; said != want {
		t.Fatalf("child got %s, want %s", said, want)
	}
	for _, l := range []net.Listener{tcp, unix} {
		wantEcho(t, dialListener(t, l.Addr()))
	}
}

func TestListenersWithoutOnes(t *testing.T) {
	for _, test := range []struct{ name, env, want string }{
		{"no variables", "", `0 [] <nil>`},
		{"meant for another process", "LISTEN_PID=1 LISTEN_FDS=1", `0 [] <nil>`},
		{"no process", "LISTEN_FDS=1", `0 [] <nil>`},
		{"none passed", "LISTEN_PID=$$ LISTEN_FDS=0", `0 [] <nil>`},
		{"no names", "LISTEN_PID=$$ LISTEN_FDS=1", `1 [""] <nil>`},
		{"malformed number", "LISTEN_PID=$$ LISTEN_FDS=-1", `0 [] molva: LISTEN_FDS is "-1"`},
		{"more than passed", "LISTEN_PID=$$ LISTEN_FDS=9 LISTEN_FDNAMES=web", `0 [] molva: descriptor 4, ""`},
	} {
		t.Run(test.name, func(t *testing.T) {
			said := passTo(t, "look", test.env, file(t, listen(t, "tcp", "127.0.0.1:0").(*net.TCPListener)))
			if !strings.HasPrefix(said, test.want) {
				t.Errorf("child got %s, want %s", said, test.want)
			}
		})
	}
}

func TestListenersRefusesWhatDoesNotListen(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	said := passTo(t, "look", "LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=pipe:web",
		w, file(t, listen(t, "tcp", "127.0.0.1:0").(*net.TCPListener)))
	if want := `0 [] molva: descriptor 3, "pipe"`; !strings.HasPrefix(said, want) {
		t.Errorf("child got %s, want %s", said, want)
	}
}
