package proc

import (
	"errors"
	"os"
	"testing"
	"time"
)

func TestStat(t *testing.T) {
	const rest = " S 1 2 3 4 5 6 7 8 9 10 250 17 77 88 20 0 4 0 1000 2000 300\n"
	for name, stat := range map[string]string{
		"plain name":                    "42 (molva)" + rest,
		"name with spaces":              "42 (tmux: server)" + rest,
		"name with parentheses":         "42 (a) R 1 (b)" + rest,
		"name that looks like the rest": "42 (x) S 1 2 3 4 5 6 7 8 9 10 1 1 1 1)" + rest,
	} {
		t.Run(name, func(t *testing.T) {
			cpu, err := parseStat([]byte(stat))
			if err != nil || cpu != 2670*time.Millisecond {
				t.Fatalf("%v, %v; want 2.67s", cpu, err)
			}
		})
	}
}

func TestBrokenStatIsRefused(t *testing.T) {
	for _, stat := range []string{"", ")", "42 (x) S 1 2", "42 (x) S 1 2 3 4 5 6 7 8 9 10 many 17 77"} {
		if cpu, err := parseStat([]byte(stat)); !errors.Is(err, ErrFormat) {
			t.Errorf("%q: %v, %v", stat, cpu, err)
		}
	}
}

func TestKilobytes(t *testing.T) {
	const rollup = "5600-7fff ---p 00000000 00:00 0    [rollup]\nRss:                1234 kB\nPss:  99 kB\nRss_x: 5 kB\n"
	rss, err := parseKilobytes([]byte(rollup), "Rss:")
	if err != nil || rss != 1234<<10 {
		t.Fatalf("%d, %v; want %d", rss, err, 1234<<10)
	}
	for _, name := range []string{"VmRSS:", "[rollup]"} {
		if n, err := parseKilobytes([]byte(rollup), name); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
}

func TestOwnFiguresMove(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip(err)
	}
	before, err := CPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	memory, err := RSS(os.Getpid())
	if err != nil || memory < 1<<20 {
		t.Fatalf("RSS %d, %v", memory, err)
	}
	for began := time.Now(); time.Since(began) < 30*time.Second; {
		after, err := CPU(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		if after >= before+2*tick {
			return
		}
	}
	t.Fatal("no processor time counted while spinning")
}
