//go:build linux

package contest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"time"

	"github.com/molva-ws/molva/internal/proc"
)

// A crowd is connections that only are there, in as many processes on both sides as their descriptors need: a process
// may often have no more than 20,000 of these. Each client comes from addresses of its own.
type crowd struct {
	servers servers
	conns   int
	clients []*holder
	ended   chan *holder // clients that ended before they were told to
}

// holder is a client that holds some of the connections.
type holder struct {
	cmd    *exec.Cmd
	out    bytes.Buffer
	errors bytes.Buffer
	err    error
	done   chan struct{}
}

// processes is how many of them connections are spread over.
func processes(conns, perProcess int) int { return max(1, (conns+perProcess-1)/perProcess) }

// idle is one run of Idle.
func (r *Runner) idle(ctx context.Context, s *Contender, c Cell) (Sample, error) {
	n := processes(c.Conns, r.PerProcess)
	all, err := launch(ctx, s, c, n, r.ServerCPU)
	if err != nil {
		return Sample{}, err
	}
	crowd := &crowd{servers: all, conns: c.Conns, ended: make(chan *holder, n)}
	sample, err := r.weigh(ctx, s, c, crowd)
	crowd.kill()
	said := all.stop()
	if err != nil && said != "" {
		err = fmt.Errorf("%w; the server said: %s", err, shorten(said))
	}
	return sample, err
}

// weigh takes the memory of the servers before and after the crowd has come.
func (r *Runner) weigh(ctx context.Context, s *Contender, c Cell, crowd *crowd) (Sample, error) {
	var before, after footprint
	if err := before.take(crowd.servers); err != nil {
		return Sample{}, err
	}
	began := time.Now()
	if err := r.gather(ctx, s, c, crowd); err != nil {
		return Sample{}, err
	}
	tell := func(open int) {
		r.Progress(fmt.Sprintf("%s: %v: %s: %s open", c.Mode, c, s.Name, Thousands(open)))
	}
	if err := crowd.awaitOpen(ctx, before.descriptors, tell); err != nil {
		return Sample{}, err
	}
	opened := time.Since(began)
	// Accepted is not yet served: a slow server has some opening handshakes before it.
	if err := crowd.wait(ctx, r.Timing.Hold+opened/10); err != nil {
		return Sample{}, err
	}
	if err := after.take(crowd.servers); err != nil {
		return Sample{}, err
	}
	sample, err := crowd.dismiss(ctx)
	sample.ServerRSS = float64(after.resident)
	sample.BytesPerConn = float64(after.resident-before.resident) / float64(c.Conns)
	sample.MachinePerConn = float64(before.available-after.available) / float64(c.Conns)
	sample.OpenSeconds = opened.Seconds()
	sample.Processes = len(crowd.servers)
	return sample, err
}

// footprint is what servers hold.
type footprint struct {
	resident    int64 // bytes, of all processes
	descriptors int64
	available   int64 // bytes that the machine has for others
}

func (f *footprint) take(all servers) (err error) {
	if f.resident, err = all.sum(proc.RSS); err != nil {
		return err
	}
	if f.descriptors, err = all.sum(proc.Descriptors); err != nil {
		return err
	}
	f.available, err = proc.MemAvailable()
	return err
}

// sourcesPerClient keeps a client's share of the some 28,000 ports of an address small: Linux looks through the even
// ones first, from a random place on, for one that is free, which gets slow long before all of those are taken.
const sourcesPerClient = 4

// gather starts the clients. Their shares of the connections differ by one at most.
func (r *Runner) gather(ctx context.Context, s *Contender, c Cell, crowd *crowd) error {
	source := netip.MustParseAddr("127.0.0.2")
	n := len(crowd.servers)
	for i, server := range crowd.servers {
		share := (i+1)*c.Conns/n - i*c.Conns/n
		first := source
		for range sourcesPerClient - 1 {
			source = source.Next()
		}
		args := r.generator.holdCommand(c, s.Raw, server.addr, fmt.Sprintf("%v-%v", first, source), share)
		if err := crowd.start(ctx, args, r.ClientCPU); err != nil {
			return err
		}
		source = source.Next()
	}
	return nil
}

func (d *crowd) start(ctx context.Context, args []string, cpu int) error {
	h := &holder{cmd: exec.CommandContext(ctx, args[0], args[1:]...), done: make(chan struct{})}
	h.cmd.Stdout, h.cmd.Stderr = &h.out, &h.errors
	if err := proc.StartOn(cpu, h.cmd); err != nil {
		return err
	}
	d.clients = append(d.clients, h)
	go func() {
		h.err = h.cmd.Wait()
		close(h.done)
		d.ended <- h
	}()
	return nil
}

// awaitOpen waits until the servers have accepted everybody, on top of the descriptors that they had, and tells how many
// that are so far.
func (d *crowd) awaitOpen(ctx context.Context, had int64, tell func(open int)) error {
	const pause = 200 * time.Millisecond
	for {
		now, err := d.servers.sum(proc.Descriptors)
		if err != nil {
			return err
		}
		open := int(max(0, now-had))
		if open >= d.conns {
			return nil
		}
		tell(open)
		if err := d.wait(ctx, pause); err != nil {
			return fmt.Errorf("%w, with %s of %s connections open", err, Thousands(open), Thousands(d.conns))
		}
	}
}

var errLeft = errors.New("a client ended early")

// wait waits, unless a client has had enough.
func (d *crowd) wait(ctx context.Context, t time.Duration) error {
	select {
	case h := <-d.ended:
		return fmt.Errorf("%w: %v: %s", errLeft, h.err, shorten(h.errors.String()))
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(t):
		return nil
	}
}

// dismiss has a sample of the connections of each client echo, and sums up what they report.
func (d *crowd) dismiss(ctx context.Context) (sum Sample, err error) {
	for _, h := range d.clients {
		if err := h.cmd.Process.Signal(os.Interrupt); err != nil {
			return sum, err
		}
	}
	for _, h := range d.clients {
		select {
		case <-h.done:
		case <-ctx.Done():
			return sum, ctx.Err()
		}
		// That it was interrupted makes its exit code; what counts is that it reports, and nothing wrong.
		r, err := parseReport(h.out.Bytes())
		if err != nil {
			return sum, fmt.Errorf("%w: %s", err, shorten(h.errors.String()))
		}
		sum.Echoes += r.Messages
		sum.PerSecond += r.PerSecond
		sum.P50Micros = max(sum.P50Micros, r.P50Micros)
		sum.P99Micros = max(sum.P99Micros, r.P99Micros)
	}
	return sum, nil
}

// kill ends the clients that are still there.
func (d *crowd) kill() {
	for _, h := range d.clients {
		h.cmd.Process.Kill()
		<-h.done
	}
}
