//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/internal/freeaddr"
)

const patience = time.Minute

// process is the program as a user runs it.
type process struct {
	*exec.Cmd
	addr   string
	ended  chan error
	stderr *output
}

// output keeps what a process says.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// run builds the program and runs it with no more descriptors than are given.
func run(t *testing.T, descriptors int, flags ...string) *process {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "echo")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	addr := freeaddr.Get(t)
	limited := fmt.Sprintf(`ulimit -n %d; exec "$@"`, descriptors)
	p := &process{
		Cmd:    exec.Command("sh", append([]string{"-c", limited, "sh", binary, "-addr", addr}, flags...)...),
		addr:   addr,
		ended:  make(chan error, 1),
		stderr: new(output),
	}
	p.Stderr = p.stderr
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- p.Wait() }()
	t.Cleanup(func() { p.Process.Kill() })
	return p
}

// dial connects, waiting for the process to listen.
func (p *process) dial(ctx context.Context) (*molva.Conn, error) {
	for {
		c, _, err := molva.Dial(ctx, "ws://"+p.addr, nil)
		if !errors.Is(err, syscall.ECONNREFUSED) {
			return c, err
		}
	}
}

// stream is a client that has a number of messages under way at any time.
type stream struct {
	*molva.Conn
	room chan struct{}
}

// send sends 0, 1, 2, … until the connection is closed.
func (s *stream) send(ctx context.Context) {
	for n := uint64(0); s.Write(ctx, molva.Binary(binary.BigEndian.AppendUint64(nil, n))) == nil; n++ {
		select {
		case s.room <- struct{}{}:
		case <-s.Done():
		}
	}
}

// follow reads the numbers, which must come in order, tells when there are a hundred, and returns what ended them.
func (s *stream) follow(ctx context.Context, flowing func()) error {
	for n := uint64(0); ; n++ {
		m, err := s.Read(ctx)
		if err != nil {
			return err
		}
		if got := binary.BigEndian.Uint64(m.Data); got != n {
			return fmt.Errorf("%d came in place of %d", got, n)
		}
		if n == 100 {
			flowing()
		}
		<-s.room
	}
}

// TestSIGTERMUnderLoad ends the process while every client sends without a pause.
func TestSIGTERMUnderLoad(t *testing.T) {
	for _, engine := range []string{"loop", "portable", "accept"} {
		t.Run(engine, func(t *testing.T) {
			p := run(t, 1024, "-engine", engine)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			var flowing, running sync.WaitGroup
			for range 20 {
				c, err := p.dial(ctx)
				if err != nil {
					t.Error(err)
					break
				}
				defer c.CloseNow()
				flowing.Add(1)
				s := &stream{c, make(chan struct{}, 32)}
				running.Go(func() { s.send(ctx) })
				running.Go(func() {
					var closed *molva.CloseError
					err := s.follow(ctx, flowing.Done)
					if !errors.As(err, &closed) || closed.Code != molva.CloseGoingAway || !closed.ByPeer {
						t.Errorf("the echoes ended with: %v", err)
					}
				})
			}
			flowing.Wait()
			p.Process.Signal(syscall.SIGTERM)
			running.Wait()
			if err := <-p.ended; err != nil {
				t.Errorf("the process ended with: %v\n%s", err, p.stderr)
			}
		})
	}
}

// TestServesOnWithoutDescriptors lets more clients come than the process may have descriptors.
func TestServesOnWithoutDescriptors(t *testing.T) {
	for _, engine := range []string{"loop", "portable"} {
		t.Run(engine, func(t *testing.T) {
			p := run(t, 64, "-engine", engine)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			inside, err := p.dial(ctx)
			if err != nil {
				t.Fatal(err)
			}
			defer inside.CloseNow()
			began := time.Now()
			leave := crowd(t, p.addr, 200)
			lines := func() int { return strings.Count(p.stderr.String(), "cannot accept") }
			for ctx.Err() == nil && (lines() == 0 || time.Since(began) < 1500*time.Millisecond) { // long enough to log twice
				echo(ctx, t, inside)
			}
			if n, took := lines(), time.Since(began); n < 1 || n > 2+int(took.Seconds()) {
				t.Errorf("%d lines in %v:\n%s", n, took, p.stderr)
			}
			leave()
			late, err := p.dial(ctx)
			if err != nil {
				t.Fatalf("once the others have left: %v", err)
			}
			defer late.CloseNow()
			echo(ctx, t, late)
		})
	}
}

// crowd opens connections and says nothing; leave closes them.
func crowd(t *testing.T, addr string, n int) (leave func()) {
	var conns []io.Closer
	for range n {
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, nc)
	}
	return func() {
		for _, nc := range conns {
			nc.Close()
		}
	}
}

func echo(ctx context.Context, t *testing.T, c *molva.Conn) {
	t.Helper()
	if err := c.Write(ctx, molva.Text("still there?")); err != nil {
		t.Fatal(err)
	}
	if m, err := c.Read(ctx); err != nil || m.String() != "still there?" {
		t.Fatalf("%q, %v", m.Data, err)
	}
}
