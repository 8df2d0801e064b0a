//go:build linux

package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/molva-ws/molva/bench/internal/stats"
	"github.com/molva-ws/molva/internal/proc"
)

// k6Version is the one that is built, by the Go module proxy, beside this module: its dependencies are many.
const k6Version = "v1.8.1"

// buildK6 builds k6, unless there is a program already.
func (w *workshop) buildK6(ctx context.Context, program string) error {
	if w.k6 = program; program != "" {
		return nil
	}
	w.k6 = filepath.Join(w.dir, "k6")
	cmd := exec.CommandContext(ctx, "go", "install", "go.k6.io/k6@"+k6Version)
	cmd.Env = append(os.Environ(), "GOBIN="+w.dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd, err, out)
	}
	return nil
}

func (w *workshop) k6Load(s *server, l load) []string {
	args := []string{w.k6, "run", "--quiet", "--no-usage-report"}
	for name, value := range map[string]any{
		"URL": s.url, "CONNS": l.conns, "SIZE": l.size, "RATE": l.rate, "WARMUP": l.warmup.Seconds(), "DURATION": l.duration.Seconds(),
	} {
		args = append(args, "-e", fmt.Sprint(name, "=", value))
	}
	return append(args, filepath.Join(w.bench, "crosscheck", "k6-load.js"))
}

// atSameRate are the generators that are compared at a rate that none of them has trouble to keep.
var atSameRate = []namedGenerator{generators[0], generators[1], generators[2], {"k6", (*workshop).k6Load}}

// around is how much longer than what is looked at a generator keeps its rate, before and after.
const around = 500 * time.Millisecond

// sameRate has all generators put the same load on a server in turn, and compares what it costs the server. That is
// measured here, to the nanosecond, in the midst of what the generator measures.
func (w *workshop) sameRate(ctx context.Context, server string, l load, repeats int) error {
	s, err := w.start(ctx, server)
	if err != nil {
		return err
	}
	defer s.stop()
	found := make([][]sample, len(atSameRate))
	for range repeats {
		for i, g := range atSameRate {
			one, err := s.watch(ctx, g.command(w, s, l.longer()), l)
			if err != nil {
				return fmt.Errorf("%s: %w", g.name, err)
			}
			found[i] = append(found[i], one)
		}
	}
	fmt.Printf("\n%s: %v, medians of %d\n", server, l, repeats)
	row("", len(atSameRate), func(i int) string { return atSameRate[i].name })
	for _, f := range []figure{figures[0], serverCPU} {
		row(f.name, len(atSameRate), func(i int) string { return f.text(stats.Of(f.of(found[i]))) })
	}
	return nil
}

// longer is the load that a generator is asked for, of which the middle is looked at.
func (l load) longer() load {
	l.warmup, l.duration = around, l.duration+2*around
	return l
}

// watch runs a generator on processor 1, and measures the server once all connections are open.
func (s *server) watch(ctx context.Context, args []string, l load) (one sample, err error) {
	var out, said bytes.Buffer
	cmd := generatorCommand(ctx, args, &out, &said)
	if err := s.awaitDescriptors(ctx, func(n int64) bool { return n < int64(l.conns) }); err != nil {
		return one, err
	}
	if err := proc.StartOn(1, cmd); err != nil {
		return one, err
	}
	spent, err := s.spend(ctx, l)
	if e := cmd.Wait(); e != nil {
		return one, fmt.Errorf("%w\n%s", e, said.Bytes())
	}
	if err == nil {
		err = json.Unmarshal(out.Bytes(), &one)
	}
	one.ServerCPU, one.Seconds = spent.Seconds(), l.duration.Seconds()
	one.Messages = one.PerSecond * one.Seconds
	return one, err
}

// spend returns the processor time that the server uses within the load's duration.
func (s *server) spend(ctx context.Context, l load) (time.Duration, error) {
	pid := s.cmd.Process.Pid
	if err := s.awaitDescriptors(ctx, func(n int64) bool { return n >= int64(l.conns) }); err != nil {
		return 0, err
	}
	time.Sleep(2 * around)
	before, err := proc.RunTime(pid)
	if err != nil {
		return 0, err
	}
	time.Sleep(l.duration)
	after, err := proc.RunTime(pid)
	return after - before, err
}

// awaitDescriptors waits until the server has as many as it should.
func (s *server) awaitDescriptors(ctx context.Context, enough func(int64) bool) error {
	for began := time.Now(); time.Since(began) < 30*time.Second; time.Sleep(10 * time.Millisecond) {
		n, err := proc.Descriptors(s.cmd.Process.Pid)
		if err != nil || ctx.Err() != nil {
			return fmt.Errorf("the server's descriptors: %w", cmp.Or(ctx.Err(), err))
		}
		if enough(n) {
			return nil
		}
	}
	return errors.New("the connections were not there in time")
}
