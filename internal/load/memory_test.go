package load

import (
	"math"
	"os"
	"strings"
	"testing"
	"time"
)

func TestRunThatDoesNotFitIntoTheMachineIsRefused(t *testing.T) {
	const available = 8 << 30
	for _, k := range []struct {
		name string
		cfg  Config
		fits bool
	}{
		{"small echo", Config{Mode: Echo, Conns: 1000, Inflight: 16, Size: 128}, true},
		{"large echo", Config{Mode: Echo, Conns: 10_000, Inflight: 1, Size: 64 << 10}, true},
		{"huge echo", Config{Mode: Echo, Conns: 10, Inflight: 100, Size: 256 << 20}, false},
		{"most in flight", Config{Mode: Echo, Conns: 10_000, Inflight: 1 << 20, Size: 0}, false},
		{"the same at a low rate", Config{Mode: Echo, Conns: 10, Inflight: 100, Size: 256 << 20, Rate: 0.5}, true},
		{"and at a high one", Config{Mode: Echo, Conns: 10, Inflight: 100, Size: 256 << 20, Rate: 50}, false},
		{"huge fan-out", Config{Mode: Fanout, Conns: 100_000, Inflight: 1, Size: 64 << 20}, true},
		{"large sample", Config{Mode: Idle, Conns: 1_000_000, Inflight: 1, Size: 64 << 10}, true},
		{"huge sample", Config{Mode: Idle, Conns: 1_000_000, Inflight: 1, Size: 64 << 20}, false},
		{"huge storm", Config{Mode: Storm, Conns: 1000, Inflight: 1, Size: 64 << 20}, false},
		{"usual soak", Config{Mode: Soak, Conns: 1000, Inflight: 16, Size: 64 << 10}, true},
	} {
		k.cfg.Duration, k.cfg.Patience = 10*time.Second, 10*time.Second
		err := checkMemory(&k.cfg, available)
		if fits := err == nil; fits != k.fits || !fits && !strings.Contains(err.Error(), "this machine has 8192 MiB") {
			t.Errorf("%s: %v", k.name, err)
		}
		if err := checkMemory(&k.cfg, 0); err != nil {
			t.Errorf("%s: where nobody knows how much there is: %v", k.name, err)
		}
	}
}

func TestProcessThatIsNotThereIsToldInWords(t *testing.T) {
	if !canTell() {
		t.Skip("only Linux tells what processes use")
	}
	if _, err := memory([]int{os.Getpid()}); err != nil {
		t.Error(err)
	}
	for _, pid := range []int{0, -1, math.MaxInt32} {
		_, err := memory([]int{os.Getpid(), pid})
		if err == nil || !strings.Contains(err.Error(), "is none of this machine, or has ended") {
			t.Errorf("%d: %v", pid, err)
		}
	}
}
