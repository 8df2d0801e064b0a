package loop

import (
	"context"
	"errors"
	"testing"
)

func TestWaitEnds(t *testing.T) {
	t.Run("with the context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		err := waitFor(ctx, func() (<-chan struct{}, error) {
			cancel()
			return make(chan struct{}), nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("with the check's error", func(t *testing.T) {
		if err := waitFor(t.Context(), func() (<-chan struct{}, error) { return nil, ErrClosed }); err != ErrClosed {
			t.Errorf("got %v", err)
		}
	})
	t.Run("when the check is content", func(t *testing.T) {
		var b bell
		checks := 0
		err := waitFor(t.Context(), func() (<-chan struct{}, error) {
			if checks++; checks == 3 {
				return nil, nil
			}
			rung := b.wait()
			b.ring()
			return rung, nil
		})
		if err != nil || checks != 3 {
			t.Errorf("%d checks, %v", checks, err)
		}
	})
}

func TestBellWakesAllWhoWait(t *testing.T) {
	var b bell
	b.ring() // nobody waits
	first, second := b.wait(), b.wait()
	b.ring()
	<-first
	<-second
	select {
	case <-b.wait():
		t.Error("who waits after the ring does not wait for the next")
	default:
	}
}
