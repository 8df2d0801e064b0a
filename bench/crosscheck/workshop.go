//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/molva-ws/molva/internal/proc"
)

// workshop has what is built for the check.
type workshop struct {
	bench string // the folder of this module
	dir   string // for binaries
	k6    string // the program
}

// newWorkshop builds the generators, and installs ws.
func newWorkshop(ctx context.Context) (*workshop, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return nil, fmt.Errorf("go env GOMOD: %w", err)
	}
	w := &workshop{bench: filepath.Dir(string(bytes.TrimSpace(out)))}
	if w.dir, err = os.MkdirTemp("", "crosscheck"); err != nil {
		return nil, err
	}
	err = command(ctx, filepath.Dir(w.bench), "go", "build", "-o", w.dir, "./cmd/molva")
	if err == nil {
		err = command(ctx, w.bench, "go", "build", "-o", w.dir, "./crosscheck/gorilla-load")
	}
	if err == nil {
		err = command(ctx, w.peer("node-ws"), "npm", "ci", "--no-audit", "--no-fund", "--loglevel=error")
	}
	return w, err
}

func (w *workshop) peer(name string) string { return filepath.Join(w.bench, "peers", name) }

func (w *workshop) close() { os.RemoveAll(w.dir) }

func command(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd, err, out)
	}
	return nil
}

// A sample is what a generator found in one run.
type sample struct {
	Messages  float64 `json:"messages"`
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"messages_per_second"`
	ServerCPU float64 `json:"server_cpu_seconds"`
	latency
	// Uncorrected is the latency from the sending where the other one is not that.
	Uncorrected *latency `json:"uncorrected"`
}

type latency struct {
	Mean float64 `json:"mean_us"`
	P50  float64 `json:"p50_us"`
	P90  float64 `json:"p90_us"`
	P99  float64 `json:"p99_us"`
}

// sending is the latency from the sending.
func (s sample) sending() latency {
	if s.Uncorrected != nil {
		return *s.Uncorrected
	}
	return s.latency
}

// A generator returns the command that puts a load on a server.
type generator func(*workshop, *server, load) []string

func (w *workshop) molvaBench(s *server, l load) []string {
	return append(append([]string{filepath.Join(w.dir, "molva"), "bench", "echo"}, s.flags(l)...), "--json", "--quiet", "--warmup", l.warmup.String(), "--duration", l.duration.String(),
		"--loops", "1")
}

func (w *workshop) wsLoad(s *server, l load) []string {
	script := filepath.Join(w.bench, "crosscheck", "ws-load.mjs")
	return append(append([]string{"node", script}, s.flags(l)...), "--warmup", fmt.Sprint(l.warmup.Seconds()), "--duration",
		fmt.Sprint(l.duration.Seconds()))
}

func (w *workshop) gorillaLoad(s *server, l load) []string {
	args := append([]string{filepath.Join(w.dir, "gorilla-load")}, s.flags(l)...)
	return append(args, "--warmup", fmt.Sprint(l.warmup.Seconds()), "--duration", fmt.Sprint(l.duration.Seconds()))
}

// server is one that runs on processor 0.
type server struct {
	url string
	cmd *exec.Cmd
}

// start builds and starts a server, and waits until it accepts.
func (w *workshop) start(ctx context.Context, name string) (*server, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	args := []string{"node", filepath.Join(w.peer(name), "server.mjs")}
	if _, err := os.Stat(args[1]); err != nil {
		args = []string{filepath.Join(w.dir, name)}
		if err := command(ctx, w.bench, "go", "build", "-o", args[0], "./peers/"+name); err != nil {
			return nil, err
		}
	}
	s := &server{url: "ws://" + addr + "/", cmd: exec.CommandContext(ctx, args[0], append(args[1:], "-addr", addr)...)}
	s.cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	if err := proc.StartOn(0, s.cmd); err != nil {
		return nil, err
	}
	for range 500 {
		if c, err := net.Dial("tcp", addr); err == nil {
			return s, c.Close()
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.stop()
	return nil, errors.New("it does not start")
}

// freeAddr returns an address on which nobody listens.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

func (s *server) stop() {
	s.cmd.Process.Kill()
	s.cmd.Wait() // says that it was killed
}

// flags are those that all generators but k6 understand.
func (s *server) flags(l load) []string {
	return []string{s.url, "--pid", strconv.Itoa(s.cmd.Process.Pid), "--conns", strconv.Itoa(l.conns), "--size",
		strconv.Itoa(l.size), "--inflight", strconv.Itoa(l.inflight), "--rate", fmt.Sprint(l.rate)}
}

func generatorCommand(ctx context.Context, args []string, out, said *bytes.Buffer) *exec.Cmd {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	cmd.Stdout, cmd.Stderr = out, said
	return cmd
}

// drive runs a generator on processor 1.
func (s *server) drive(ctx context.Context, args []string) (one sample, err error) {
	var out, said bytes.Buffer
	cmd := generatorCommand(ctx, args, &out, &said)
	if err := proc.StartOn(1, cmd); err != nil {
		return one, err
	}
	if err := cmd.Wait(); err != nil {
		return one, fmt.Errorf("%s: %w\n%s", args[0], err, said.Bytes())
	}
	return one, json.Unmarshal(out.Bytes(), &one)
}
