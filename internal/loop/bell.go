package loop

import "context"

// A bell wakes those who wait for a change. It is used under a connection's lock.
type bell struct{ next chan struct{} }

// wait returns a channel that is closed when the bell is rung next.
func (b *bell) wait() <-chan struct{} {
	if b.next == nil {
		b.next = make(chan struct{})
	}
	return b.next
}

func (b *bell) ring() {
	if b.next != nil {
		close(b.next)
		b.next = nil
	}
}

// waitFor calls check until it reports, by no channel or an error, that the wait is over; each time after the channel
// that it returned was closed. It returns that error, or the context's.
func waitFor(ctx context.Context, check func() (<-chan struct{}, error)) error {
	for {
		changed, err := check()
		if changed == nil || err != nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
