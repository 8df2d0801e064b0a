//go:build linux

// Package kernels measures the loops of package wire that touch every byte, beside what they replace.
package kernels

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/molva-ws/molva/bench/internal/stats"
	"github.com/molva-ws/molva/internal/proc"
)

// Pattern chooses among the benchmarks of package wire, for go test -bench.
const Pattern = "BenchmarkUTF8/mixed/(1024|65536)/|BenchmarkMask/(1024|65536)/"

// Sizes are the bytes in a payload.
var Sizes = []string{"1024", "65536"}

// Kernel is one loop.
type Kernel struct {
	Benchmark string // its name, with * for the size
	Title     string
}

// All are those that are told of, each of ours ahead of what it is compared with.
var All = []Kernel{
	{"BenchmarkUTF8/mixed/*/ValidUTF8", "UTF-8 of mixed text, `wire.ValidUTF8`"},
	{"BenchmarkUTF8/mixed/*/UTF8", "the same in pieces, failing at the first wrong byte, `wire.UTF8`"},
	{"BenchmarkUTF8/mixed/*/unicode/utf8", "the same, `utf8.Valid` of the standard library"},
	{"BenchmarkMask/*/MaskCopy", "unmasking, `wire.MaskCopy`"},
	{"BenchmarkMask/*/portable", "the same without assembly"},
	{"BenchmarkMask/*/byte_loop", "the same, a loop over bytes"},
}

// Figures are bytes per second in every run, by the benchmark's whole name.
type Figures map[string][]float64

// Of returns a kernel's figures for payloads of a size.
func (f Figures) Of(k Kernel, size string) stats.Spread {
	return stats.Of(f[strings.Replace(k.Benchmark, "*", size, 1)])
}

// Measure runs the benchmarks on one processor so many times, all of them in turn. root is the folder of molva's module,
// dir one for the binary.
func Measure(ctx context.Context, root, dir string, cpu, repeats int) (Figures, error) {
	binary := filepath.Join(dir, "wire.test")
	build := exec.CommandContext(ctx, "go", "test", "-c", "-o", binary, "./wire")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%v: %w\n%s", build, err, out)
	}
	f := make(Figures)
	for range repeats {
		var out bytes.Buffer
		cmd := exec.CommandContext(ctx, binary, "-test.run", "^$", "-test.bench", Pattern, "-test.benchtime", "100ms", "-test.cpu", "1")
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &out
		err := proc.StartOn(cpu, cmd)
		if err == nil {
			err = cmd.Wait()
		}
		if err != nil {
			return nil, fmt.Errorf("the benchmarks of wire: %w\n%s", err, out.Bytes())
		}
		f.read(out.Bytes())
	}
	return f, nil
}

// line is what go test -bench prints of one run.
var line = regexp.MustCompile(`(?m)^(Benchmark\S+)\s+\d+\s+\S+ ns/op\s+(\S+) MB/s`)

func (f Figures) read(out []byte) {
	for _, found := range line.FindAllSubmatch(out, -1) {
		if v, err := strconv.ParseFloat(string(found[2]), 64); err == nil {
			f[string(found[1])] = append(f[string(found[1])], v*1e6)
		}
	}
}
