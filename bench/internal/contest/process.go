//go:build linux

package contest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/molva-ws/molva/bench/internal/proc"
)

// process is a started server.
type process struct {
	addr string
	cmd  *exec.Cmd
	log  bytes.Buffer
}

// start starts a contender on one processor and waits until it accepts.
func start(ctx context.Context, s *Contender, c Cell, cpu int) (*process, error) {
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	args := s.args(c, addr)
	p := &process{addr: addr, cmd: exec.CommandContext(ctx, args[0], args[1:]...)}
	p.cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	if err := proc.StartOn(cpu, p.cmd); err != nil {
		return nil, err
	}
	if err := awaitListener(ctx, addr); err != nil {
		return nil, fmt.Errorf("%w: %s", err, shorten(p.stop()))
	}
	return p, nil
}

// stop ends the server and answers what it had to say.
func (p *process) stop() string {
	p.cmd.Process.Kill()
	p.cmd.Wait() // says that it was killed
	return p.log.String()
}

// freeAddr returns an address with a port below those that the system gives to clients: dialing one of these before
// the server listens may connect to itself, and take the port away from it.
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
	const patience, pause = 10 * time.Second, 10 * time.Millisecond
	for began := time.Now(); time.Since(began) < patience && ctx.Err() == nil; time.Sleep(pause) {
		if c, err := net.Dial("tcp", addr); err == nil {
			return c.Close()
		}
	}
	return errors.Join(errNotListening, ctx.Err())
}
