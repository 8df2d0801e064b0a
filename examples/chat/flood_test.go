package main

import (
	"testing"
	"time"
)

func TestFloodAllowsABurstAndThenOneASecond(t *testing.T) {
	start := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	var f flood
	steps := []struct {
		at   time.Duration
		wait time.Duration
	}{
		{0, 0}, {0, 0}, {0, 0}, {0, 0}, {0, 0}, // the burst
		{0, time.Second},
		{300 * time.Millisecond, 700 * time.Millisecond}, // asking does not cost
		{time.Second, 0},
		{time.Second, time.Second},
		{2500 * time.Millisecond, 0},
		{2500 * time.Millisecond, 500 * time.Millisecond},
		{time.Hour, 0}, {time.Hour, 0}, {time.Hour, 0}, {time.Hour, 0}, {time.Hour, 0},
		{time.Hour, time.Second}, // silence saves up no more than a burst
	}
	for i, s := range steps {
		if wait := f.take(start.Add(s.at)); wait != s.wait {
			t.Fatalf("step %d, at %v: wait %v, want %v", i, s.at, wait, s.wait)
		}
	}
}
