package molva

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestPace(t *testing.T) {
	tests := []struct {
		name      string
		perSecond int
		events    int
		takes     time.Duration
	}{
		{"without a limit", 0, 1000, 0},
		{"one event comes at once", 1, 1, 0},
		{"the next one waits", 1, 2, time.Second},
		{"five a second", 5, 11, 2 * time.Second},
		{"many a second", 10000, 20001, 2 * time.Second},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun, p := time.Now(), pace{perSecond: test.perSecond}
				for range test.events {
					if err := p.wait(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				if took := time.Since(begun); took != test.takes {
					t.Errorf("%d events took %v, want %v", test.events, took, test.takes)
				}
			})
		})
	}
}

func TestPaceCatchesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun, p := time.Now(), pace{perSecond: 10}
		p.wait(t.Context())
		time.Sleep(time.Second)
		for range 11 {
			p.wait(t.Context())
		}
		if took := time.Since(begun); took != 1100*time.Millisecond {
			t.Errorf("12 events took %v, want 1.1s", took)
		}
	})
}

func TestPaceEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun, p := time.Now(), pace{perSecond: 1}
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		for i := range 2 {
			if err := p.wait(ctx); err != nil {
				t.Fatalf("event %d: %v", i, err)
			}
		}
		if err := p.wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if took := time.Since(begun); took != 1500*time.Millisecond {
			t.Errorf("it took %v", took)
		}
	})
}
