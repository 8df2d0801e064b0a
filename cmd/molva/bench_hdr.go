package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/molva-ws/molva/internal/benchreport"
	"github.com/molva-ws/molva/internal/load"
)

// hdrFile takes all percentiles of a run. It is made before the run, which may take a night. Without --hdr it is nil.
type hdrFile struct{ file *os.File }

func createHDR(path string) (*hdrFile, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("--hdr: %w", err)
	}
	return &hdrFile{file}, nil
}

// finish writes the latencies of a result, or leaves no file where there are none.
func (h *hdrFile) finish(r *load.Result) error {
	switch {
	case h == nil:
		return nil
	case r == nil || r.Latency == nil:
		return errors.Join(h.file.Close(), os.Remove(h.file.Name()))
	}
	if err := errors.Join(benchreport.WritePercentiles(h.file, r), h.file.Close()); err != nil {
		return fmt.Errorf("--hdr: %w", err)
	}
	return nil
}
