//go:build linux

package contest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// workshop builds into a folder what this module and molva's have as Go packages, each once.
type workshop struct {
	bench string // the folder of this module
	dir   string // for the binaries
	built map[string]string
}

func newWorkshop(ctx context.Context, dir string) (*workshop, error) {
	bench, err := Folder(ctx)
	return &workshop{bench: bench, dir: dir, built: make(map[string]string)}, err
}

// Folder returns the folder of this module, which the working directory has to be in.
func Folder(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	folder := filepath.Dir(string(bytes.TrimSpace(out)))
	if filepath.Base(folder) != "bench" {
		return "", fmt.Errorf("%w: go -C bench run ./contest", errElsewhere)
	}
	return folder, nil
}

var errElsewhere = errors.New("this has to be run in the folder bench")

func (w *workshop) build(ctx context.Context, pkg string) (string, error) {
	if path, done := w.built[pkg]; done {
		return path, nil
	}
	path := filepath.Join(w.dir, strings.ReplaceAll(pkg, "/", "_"))
	cmd := exec.CommandContext(ctx, "go", "build", "-o", path, pkg)
	cmd.Dir = w.bench
	if !strings.HasPrefix(pkg, benchModule) {
		cmd.Dir = filepath.Dir(w.bench) // molva's module, whose dependencies are no concern of this one
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
	}
	w.built[pkg] = path
	return path, nil
}

// here puts this module's folder into a command.
func (w *workshop) here(command []string) []string {
	args := make([]string, len(command))
	for i, arg := range command {
		args[i] = strings.ReplaceAll(arg, benchHere, w.bench)
	}
	return args
}

// run answers what a command prints.
func (w *workshop) run(ctx context.Context, command []string) (string, error) {
	command = w.here(command)
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = w.bench
	out, err := cmd.CombinedOutput()
	text := strings.TrimSpace(string(out))
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return "", fmt.Errorf("there is no %s in $PATH", command[0])
	case err != nil:
		return text, fmt.Errorf("%s: %w: %s", command[0], err, shorten(text))
	}
	return text, nil
}

// prepare makes a contender ready to start. missing says why it cannot run on this machine, and what to do.
func (w *workshop) prepare(ctx context.Context, s *Contender) (missing string, err error) {
	if s.Package != "" {
		path, err := w.build(ctx, s.Package)
		s.Command = append([]string{path}, s.Command...)
		return "", err
	}
	s.Command = w.here(s.Command)
	if len(s.Requires) == 0 {
		return "", nil
	}
	_, err = w.run(ctx, s.Requires)
	if err != nil && len(s.Install) > 0 {
		if _, err = w.run(ctx, s.Install); err == nil {
			_, err = w.run(ctx, s.Requires)
		}
	}
	if err != nil {
		return fmt.Sprintf("missing here: %s (%v)", s.Advice, err), ctx.Err()
	}
	return "", nil
}

// version is what the report says the contender is.
func (w *workshop) version(ctx context.Context, s *Contender) (string, error) {
	switch {
	case len(s.Modules) > 0:
		return w.run(ctx, append([]string{"go", "list", "-m", "-f", "{{.Path}} {{.Version}}"}, s.Modules...))
	case len(s.Version) > 0:
		return w.run(ctx, s.Version)
	}
	return "", nil
}

// shorten keeps what fits into a line of a report: the last line of several, which is where programs say what broke.
func shorten(s string) string {
	const most = 200
	lines := strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' })
	if len(lines) == 0 {
		return ""
	}
	last := strings.TrimSpace(lines[len(lines)-1])
	if len(last) > most {
		last = last[:most] + "…"
	}
	return last
}
