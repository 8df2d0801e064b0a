package loop

import "time"

// A poller tells its loop which descriptors are ready. Only the goroutine that drives the loop calls it, except for
// wake. It knows descriptors and tokens, and nothing of connections.
type poller interface {
	// add watches fd, edge-triggered for all kinds of readiness: each arrival of bytes and each end of a full send
	// buffer is told once.
	add(fd int, t token) error
	// addListener watches a listening socket for as long as connections wait there. Several loops may share one;
	// at least one of them is told.
	addListener(fd int, t token) error
	// remove forgets a descriptor that stays open. Closing one that nobody else holds is enough otherwise.
	remove(fd int) error
	// ready fills events, which has room for as many as the poller was made for, and returns their number. It does not
	// wait.
	ready(events []event) (int, error)
	// wait is like ready, but waits for an event, for wake, or until that time; zero means for ever. It may return
	// early.
	wait(events []event, until time.Time) (int, error)
	// wake ends a wait: the one going on, or the next. Any goroutine may call it at any time.
	wake()
	// close gives the poller's own descriptors back.
	close()
}

// A token names a descriptor in events. The generation tells apart those that had the same slot one after another.
type token struct {
	slot, generation uint32
}

// An event says what a descriptor is ready for.
type event struct {
	token
	readiness
}

type readiness uint8

const (
	readable readiness = 1 << iota
	writable
	hungUp // the peer will send nothing more
	failed // the socket is in error
)
