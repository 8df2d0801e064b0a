package hooks

import (
	"slices"
	"sync"
)

// item is an event that waits.
type item struct {
	number uint64
	json   []byte // as Event.encode made it
}

// itemBytes is what an item takes beside its JSON, about.
const itemBytes = 64

func (i *item) size() int { return len(i.json) + itemBytes }

// queue holds what was not delivered yet, the oldest first. Those at its beginning may be on their way to the
// application; they are neither dropped nor forgotten until it is known what became of them.
type queue struct {
	wake    chan struct{} // has something in it when something was pushed
	closing chan struct{} // closed by close

	mu                   sync.Mutex
	mostItems, mostBytes int
	items                []item
	sending              int // how many are on their way
	bytes                int
	last                 uint64 // number that was given away
	closed               bool   // takes nothing more

	dropped uint64 // as there was no room
	sent    uint64
	failed  uint64 // given up, or refused by the application
	told    uint64 // of dropped and failed, what the application knows of
}

func newQueue(items, bytes int) *queue {
	return &queue{
		mostItems: items,
		mostBytes: bytes,
		wake:      make(chan struct{}, 1),
		closing:   make(chan struct{}),
	}
}

// push appends an event and drops as many of the oldest as it takes. It never blocks.
func (q *queue) push(json []byte) {
	q.mu.Lock()
	q.last++
	next := item{q.last, json}
	if q.closed {
		q.dropped++
		q.mu.Unlock()
		return
	}
	q.items = append(q.items, next)
	q.bytes += next.size()
	q.shed()
	q.mu.Unlock()
	q.ring()
}

// shed drops as many of the oldest as it takes. The queue is locked.
func (q *queue) shed() {
	for len(q.items) > q.sending && (len(q.items) > q.mostItems || q.bytes > q.mostBytes) {
		q.remove(q.sending, 1)
		q.dropped++
	}
}

// resize changes how much may wait.
func (q *queue) resize(items, bytes int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.mostItems, q.mostBytes = items, bytes
	q.shed()
}

// ring wakes the one who sends.
func (q *queue) ring() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// remove takes n items out, from at on. Those before are few.
func (q *queue) remove(at, n int) {
	for i := at; i < at+n; i++ {
		q.bytes -= q.items[i].size()
	}
	copy(q.items[n:], q.items[:at])
	clear(q.items[:n])
	q.items = q.items[n:] // an append that has no room begins a new array, without those that have gone
}

// take returns copies of the oldest items, which are then on their way, and how much was lost that the application was
// not told of.
func (q *queue) take(most int) (items []item, lost uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sending = min(most, len(q.items))
	return slices.Clone(q.items[:q.sending]), q.dropped + q.failed - q.told
}

// settled is called when those on their way were delivered, with word of what was lost before, or given up.
func (q *queue) settled(delivered bool, lost uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := q.sending
	q.remove(0, n)
	q.sending = 0
	if delivered {
		q.sent += uint64(n)
		q.told += lost
	} else {
		q.failed += uint64(n)
	}
}

// back is called when those on their way have not arrived, and will be tried again.
func (q *queue) back() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sending = 0
}

// close keeps the queue from taking anything more.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.closed = true
		close(q.closing)
		q.ring()
	}
}

// isEmpty reports whether nothing waits and, as the queue is closed, nothing will.
func (q *queue) isEmpty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed && len(q.items) == 0
}

// abandon drops everything that waits and returns how much that was.
func (q *queue) abandon() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := len(q.items)
	q.dropped += uint64(n)
	q.items, q.bytes, q.sending = nil, 0, 0
	return n
}
