package proc

import (
	"errors"
	"os"
	"testing"
	"time"
)

func TestSchedstat(t *testing.T) {
	if d, err := parseSchedstat([]byte("577318 15803153 2\n")); err != nil || d != 577318*time.Nanosecond {
		t.Errorf("%v, %v", d, err)
	}
	for _, file := range []string{"", "1 2\n", "many 2 3\n"} {
		if d, err := parseSchedstat([]byte(file)); !errors.Is(err, ErrFormat) {
			t.Errorf("%q: %v, %v", file, d, err)
		}
	}
}

func TestRunTimeIsAsMuchAsCPU(t *testing.T) {
	if _, err := os.Stat("/proc/self/schedstat"); err != nil {
		t.Skip(err)
	}
	for began := time.Now(); time.Since(began) < 30*time.Second; {
		cpu, err := CPU(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		exact, err := RunTime(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		if cpu < 10*tick {
			continue // too little to compare
		}
		if exact < cpu/2 || exact > 2*cpu {
			t.Errorf("%v, and %v in ticks", exact, cpu)
		}
		return
	}
	t.Fatal("no processor time counted while spinning")
}

func TestRunTimeOfNobodyIsAnError(t *testing.T) {
	if d, err := RunTime(-1); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v, %v", d, err)
	}
}
