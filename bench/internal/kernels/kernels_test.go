//go:build linux

package kernels

import (
	"testing"
)

func TestEveryKernelIsMeasured(t *testing.T) {
	f, err := Measure(t.Context(), "../../..", t.TempDir(), 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range All {
		for _, size := range Sizes {
			if s := f.Of(k, size); s.Median <= 0 || s.Min > s.Max {
				t.Errorf("%s, %s bytes: %+v", k.Title, size, s)
			}
		}
	}
}
