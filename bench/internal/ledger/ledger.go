//go:build linux

// Package ledger keeps what contests came to, so that one that takes hours can be done in parts, and one cell of it be
// measured again.
package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/molva-ws/molva/bench/internal/contest"
	"github.com/molva-ws/molva/bench/internal/kernels"
	"github.com/molva-ws/molva/bench/internal/machine"
)

// Record is what a cell came to, and where.
type Record struct {
	Commit  string          `json:"commit"` // of what was measured
	Ended   time.Time       `json:"ended"`  // the last run
	Machine machine.Machine `json:"machine"`
	Outcome contest.Outcome `json:"outcome"`
}

// Ledger is a folder with a file for each cell.
type Ledger string

func (l Ledger) path(key string) string { return filepath.Join(string(l), key+".json") }

// KernelsKey is under what the kernels of package wire are kept, and what -only calls them.
const KernelsKey = "wire"

// Kernels is what those came to, and where.
type Kernels struct {
	Commit  string          `json:"commit"`
	Ended   time.Time       `json:"ended"`
	Machine machine.Machine `json:"machine"`
	Repeats int             `json:"repeats"`
	Figures kernels.Figures `json:"figures"`
}

// Read returns what is kept of a cell; nil, if that is nothing.
func (l Ledger) Read(key string) (*Record, error) { return read[Record](l, key) }

// ReadKernels does so for the kernels.
func (l Ledger) ReadKernels() (*Kernels, error) { return read[Kernels](l, KernelsKey) }

func read[T any](l Ledger, key string) (*T, error) {
	file, err := os.ReadFile(l.path(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r := new(T)
	if err := json.Unmarshal(file, r); err != nil {
		return nil, fmt.Errorf("%s: %w; remove the file to measure the cell anew", l.path(key), err)
	}
	return r, nil
}

// Write keeps a record in place of an older one. It is there in whole or not at all.
func (l Ledger) Write(r *Record) error { return l.write(r.Outcome.Cell.Key(), r) }

// WriteKernels does so for the kernels.
func (l Ledger) WriteKernels(k *Kernels) error { return l.write(KernelsKey, k) }

func (l Ledger) write(key string, r any) error {
	if err := os.MkdirAll(string(l), 0o777); err != nil {
		return err
	}
	file, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	path := l.path(key)
	if err := os.WriteFile(path+".new", file, 0o666); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// Forget removes what is kept of a cell, if anything is.
func (l Ledger) Forget(key string) error {
	err := os.Remove(l.path(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Records returns what is kept of these cells, in their order.
func (l Ledger) Records(cells []contest.Cell) ([]*Record, error) {
	var all []*Record
	for _, c := range cells {
		r, err := l.Read(c.Key())
		if err != nil {
			return nil, err
		}
		if r != nil {
			all = append(all, r)
		}
	}
	return all, nil
}
