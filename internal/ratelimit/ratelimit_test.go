package ratelimit

import (
	"math"
	"testing"
	"time"
)

// take takes one event at a time for as long as they are allowed, and returns how many were.
func take(b *Bucket, l Limit, now time.Duration, most int) int {
	for n := range most {
		if b.Wait(l, int64(now)) > 0 {
			return n
		}
		b.Take(l, int64(now), 1)
	}
	return most
}

func TestBurstAndRate(t *testing.T) {
	const most = 100_000
	for _, test := range []struct {
		name  string
		rate  float64
		burst int64
		first int // allowed at once
		later int // allowed a second after that
	}{
		{"one at a time", 10, 1, 1, 1},
		{"a burst", 10, 5, 5, 5},
		{"a burst larger than a second's worth", 10, 50, 50, 10},
		{"a rate that does not divide a second", 3, 3, 3, 3},
		{"sevenths", 7, 21, 21, 7},
		{"default burst is a second's worth", 25, 0, 25, 25},
		{"default burst is one at least", 0.5, 0, 1, 0},
		{"many", 50_000, 1000, 1000, 1000},
		{"no limit", 0, 5, most, most},
		{"negative is no limit", -1, 5, most, most},
		{"not a number is no limit", math.NaN(), 5, most, most},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := PerSecond(test.rate, test.burst)
			now := time.Hour
			b := Bucket(now)
			if got := take(&b, l, now, most); got != test.first {
				t.Errorf("%d allowed at once, want %d", got, test.first)
			}
			// The time between two events is rounded up to a whole nanosecond.
			if got := take(&b, l, now+time.Second+time.Microsecond, most); got != test.later {
				t.Errorf("%d allowed a second later, want %d", got, test.later)
			}
		})
	}
}

func TestWaitIsExact(t *testing.T) {
	l := PerSecond(4, 2)
	var b Bucket
	take(&b, l, 0, 2)
	wait := b.Wait(l, 0)
	if want := 250 * time.Millisecond; wait < want-time.Microsecond || wait > want+time.Microsecond {
		t.Errorf("wait is %v, want %v", wait, want)
	}
	if b.Wait(l, int64(wait)-1) == 0 {
		t.Error("allowed before the wait is over")
	}
	if b.Wait(l, int64(wait)) != 0 {
		t.Error("not allowed when the wait is over")
	}
}

func TestDebtIsPaidBeforeTheNextEvent(t *testing.T) {
	l := PerSecond(100, 100)
	var b Bucket
	b.Take(l, 0, 1000) // one event as large as ten seconds' worth
	if wait := b.Wait(l, 0).Round(time.Millisecond); wait != 9*time.Second+10*time.Millisecond {
		t.Errorf("wait is %v, want 9.01s", wait)
	}
	if b.Full(int64(9*time.Second)) || !b.Full(int64(10*time.Second)) {
		t.Error("want a full bucket after exactly 10 s")
	}
}

func TestExtremesDoNotOverflow(t *testing.T) {
	for _, rate := range []float64{math.SmallestNonzeroFloat64, 1e-12, 1e12, math.MaxFloat64, math.Inf(1)} {
		l := PerSecond(rate, math.MaxInt64)
		b := Bucket(math.MaxInt64 / 4)
		for range 5 {
			b.Take(l, int64(b), math.MaxInt64)
			if b < 0 || b.Wait(l, math.MaxInt64/4) < 0 {
				t.Fatalf("rate %g: bucket %d", rate, b)
			}
			b = min(b, math.MaxInt64/4)
		}
	}
}
