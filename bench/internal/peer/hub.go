package peer

import "sync"

// queueLen is that of the chat examples of gorilla/websocket and its kin.
const queueLen = 256

// Hub hands each message to a queue of every connection, from which a goroutine of the connection's own writes it. It
// is the shape of the chat examples of gorilla/websocket, fasthttp/websocket and coder/websocket. As there, a
// connection whose queue is full is cut. The zero value is ready.
type Hub[M any] struct {
	mu     sync.Mutex
	queues map[chan M]struct{}
}

// Join returns a new queue. It is closed by Leave, or when the connection is too slow for it.
func (h *Hub[M]) Join() chan M {
	queue := make(chan M, queueLen)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.queues == nil {
		h.queues = make(map[chan M]struct{})
	}
	h.queues[queue] = struct{}{}
	return queue
}

// Leave closes a queue, also one that is closed already.
func (h *Hub[M]) Leave(queue chan M) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.remove(queue)
}

func (h *Hub[M]) remove(queue chan M) {
	if _, open := h.queues[queue]; open {
		delete(h.queues, queue)
		close(queue)
	}
}

// Publish puts a message into every queue.
func (h *Hub[M]) Publish(m M) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for queue := range h.queues {
		select {
		case queue <- m:
		default:
			h.remove(queue)
		}
	}
}
