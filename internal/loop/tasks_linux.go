package loop

import (
	"sync"
	"sync/atomic"
)

// A taskList takes the rare orders to a loop that are not about one connection.
type taskList struct {
	mu    sync.Mutex
	queue []func(*eventLoop)
	some  atomic.Bool // saves the lock on every turn
}

func (t *taskList) add(task func(*eventLoop)) {
	t.mu.Lock()
	t.queue = append(t.queue, task)
	t.some.Store(true)
	t.mu.Unlock()
}

func (t *taskList) empty() bool { return !t.some.Load() }

// next takes the oldest task, nil if there is none.
func (t *taskList) next() func(*eventLoop) {
	if t.empty() {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	task := t.queue[0]
	t.queue = t.queue[1:]
	t.some.Store(len(t.queue) > 0)
	return task
}
