//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/molva-ws/molva/bench/internal/proc"
)

// server is a contender: a command that listens on the address in place of
// {addr}. One with a package is built first and the binary started, so that
// what is measured is not the go command.
type server struct {
	name    string
	raw     bool   // speaks no WebSocket
	pkg     string // import path, of a main package this module can build
	command []string
}

const addrHere = "{addr}"

// builtin are the servers that can be called by name.
func builtin() []server {
	const molva, bench = "github.com/molva-ws/molva/examples/echo", "github.com/molva-ws/molva/bench/"
	listen := []string{"-addr", addrHere}
	all := []server{
		{name: "rawecho", raw: true, pkg: bench + "rawecho", command: listen},
		{name: "rawfanout", raw: true, pkg: bench + "rawecho", command: []string{"-addr", addrHere, "-broadcast"}},
		{name: "molva", pkg: molva, command: listen},
	}
	for _, engine := range []string{"loop", "portable", "accept"} {
		all = append(all, server{name: "molva-" + engine, pkg: molva, command: []string{"-addr", addrHere, "-engine", engine}})
	}
	for _, peer := range []string{"gorilla", "coder", "gobwas", "gws"} {
		all = append(all, server{name: peer, pkg: bench + "peers/" + peer, command: listen})
	}
	return all
}

func builtinNames() []string {
	var names []string
	for _, s := range builtin() {
		names = append(names, s.name)
	}
	return names
}

func builtins(names string) ([]server, error) {
	byName := make(map[string]server)
	for _, s := range builtin() {
		byName[s.name] = s
	}
	var chosen []server
	for name := range strings.FieldsFuncSeq(names, func(r rune) bool { return r == ',' }) {
		s, known := byName[name]
		if !known {
			return nil, fmt.Errorf("%w: no server is called %q", errUsage, name)
		}
		chosen = append(chosen, s)
	}
	return chosen, nil
}

// customServer reads "name=command args".
func customServer(s string, raw bool) (server, error) {
	name, command, _ := strings.Cut(s, "=")
	fields := strings.Fields(command)
	if name == "" || len(fields) == 0 || !strings.Contains(command, addrHere) {
		return server{}, fmt.Errorf("%q is not name=command with %s in it", s, addrHere)
	}
	return server{name: name, raw: raw, command: fields}, nil
}

// buildAll builds the load generator, whose path it returns, and the servers
// that are named by package, and makes their commands start what was built.
func buildAll(ctx context.Context, servers []server, dir string) (generator string, err error) {
	built := make(map[string]string)
	build := func(pkg string) (string, error) {
		if path, done := built[pkg]; done {
			return path, nil
		}
		path := filepath.Join(dir, strings.ReplaceAll(pkg, "/", "_"))
		cmd := exec.CommandContext(ctx, "go", "build", "-o", path, pkg)
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
		}
		built[pkg] = path
		return path, nil
	}
	for i := range servers {
		if s := &servers[i]; s.pkg != "" {
			path, err := build(s.pkg)
			if err != nil {
				return "", err
			}
			s.command = append([]string{path}, s.command...)
		}
	}
	return build("github.com/molva-ws/molva/bench/load")
}

// running is a started server.
type running struct {
	addr string
	cmd  *exec.Cmd
	log  bytes.Buffer
}

// start starts the server on one processor and waits until it accepts.
func (s *server) start(ctx context.Context, cpu int) (*running, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	args := make([]string, len(s.command))
	for i, arg := range s.command {
		args[i] = strings.ReplaceAll(arg, addrHere, addr)
	}
	r := &running{addr: addr, cmd: exec.CommandContext(ctx, args[0], args[1:]...)}
	r.cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	r.cmd.Stdout, r.cmd.Stderr = &r.log, &r.log
	if err := proc.StartOn(cpu, r.cmd); err != nil {
		return nil, fmt.Errorf("%s: %w", s.name, err)
	}
	if err := awaitListener(ctx, addr); err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", s.name, err, r.stop())
	}
	return r, nil
}

// stop ends the server and answers what it had to say.
func (r *running) stop() []byte {
	r.cmd.Process.Kill()
	r.cmd.Wait() // says that it was killed
	return r.log.Bytes()
}

// freeAddr returns an address with a port below those that the system gives to
// clients: dialing one of these before the server listens may connect to itself,
// and take the port away from it.
func freeAddr() (string, error) {
	const lowest, ports, tries = 20000, 10000, 100
	var l net.Listener
	var err error
	for range tries {
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(lowest+rand.IntN(ports)))
		if l, err = net.Listen("tcp", addr); err == nil {
			return addr, l.Close()
		}
	}
	return "", err
}

var errNotListening = errors.New("does not accept connections")

func awaitListener(ctx context.Context, addr string) error {
	const patience, pause = 5 * time.Second, 10 * time.Millisecond
	for began := time.Now(); time.Since(began) < patience && ctx.Err() == nil; time.Sleep(pause) {
		if c, err := net.Dial("tcp", addr); err == nil {
			return c.Close()
		}
	}
	return errNotListening
}
