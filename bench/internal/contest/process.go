//go:build linux

package contest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/molva-ws/molva/internal/proc"
)

// process is a started server.
type process struct {
	addr string
	cmd  *exec.Cmd
	log  bytes.Buffer
}

// start starts a contender on one processor. shared says that there are others on that address.
func start(ctx context.Context, s *Contender, c Cell, addr string, shared bool, cpu int) (*process, error) {
	args := s.args(c, addr, shared)
	p := &process{addr: addr, cmd: exec.CommandContext(ctx, args[0], args[1:]...)}
	p.cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	return p, proc.StartOn(cpu, p.cmd)
}

// stop ends the server and answers what it had to say.
func (p *process) stop() string {
	p.cmd.Process.Kill()
	p.cmd.Wait() // says that it was killed
	return p.log.String()
}

// servers are the processes of one contender, on one processor. They listen on one port if the contender can share it,
// and otherwise on one each.
type servers []*process

// launch starts n processes and waits until all of them accept.
func launch(ctx context.Context, s *Contender, c Cell, n, cpu int) (all servers, err error) {
	defer func() {
		if err != nil {
			all.stop()
			all = nil
		}
	}()
	var addr string
	for i := range n {
		shared := s.Shares && n > 1
		if i == 0 || !shared {
			if addr, err = freeAddr(); err != nil {
				return all, err
			}
		}
		p, err := start(ctx, s, c, addr, shared, cpu)
		if err != nil {
			return all, err
		}
		all = append(all, p)
		listeners := 1
		if shared {
			listeners = i + 1
		}
		if err := awaitListeners(ctx, addr, listeners); err != nil {
			return all, fmt.Errorf("%w: %s", err, shorten(all.stop()))
		}
	}
	return all, nil
}

// stop ends all and answers what they had to say.
func (all servers) stop() string {
	var said strings.Builder
	for _, p := range all {
		said.WriteString(p.stop())
	}
	return said.String()
}

func (all servers) pids() []int {
	pids := make([]int, len(all))
	for i, p := range all {
		pids[i] = p.cmd.Process.Pid
	}
	return pids
}

// sum adds up what is known of each process.
func (all servers) sum(of func(pid int) (int64, error)) (total int64, err error) {
	for _, pid := range all.pids() {
		n, err := of(pid)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// freeAddr returns an address with a port below those that the system gives to clients: who dials one of these before
// the server listens may be connected to himself, and take the port away from it.
func freeAddr() (string, error) {
	const lowest, ports, tries = 20000, 10000, 100
	var l net.Listener
	var err error
	for range tries {
		addr := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(lowest+rand.IntN(ports))).String()
		if l, err = net.Listen("tcp", addr); err == nil {
			return addr, l.Close()
		}
	}
	return "", err
}

var errNotListening = errors.New("does not accept connections")

// awaitListeners waits until so many sockets listen on an address.
func awaitListeners(ctx context.Context, addr string, n int) error {
	const patience, pause = 10 * time.Second, 10 * time.Millisecond
	at := netip.MustParseAddrPort(addr)
	for began := time.Now(); time.Since(began) < patience; {
		found, err := proc.Listeners(at)
		if err != nil {
			return err
		}
		if found >= n {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
	return errNotListening
}
