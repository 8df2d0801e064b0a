package loop

import "iter"

// chunkSize is how many connections a chunk of a table holds: 4 KiB of pointers.
const chunkSize = 512

// A table finds connections by token. It grows by chunks: a slice that grows with append would leave several times its
// size behind for the collector.
type table struct {
	chunks     []*[chunkSize]*sock
	slots      uint32   // how many were ever in use
	free       []uint32 // those of them without a connection
	generation uint32   // of the connection that came last
}

// listenerGeneration marks the tokens of listening sockets, whose slots are their own.
const listenerGeneration = 1<<32 - 1

// put gives c a slot and sets its token.
func (t *table) put(c *sock) {
	t.generation = t.generation%(listenerGeneration-1) + 1
	c.token = token{t.slot(), t.generation}
	*t.at(c.token.slot) = c
}

// slot returns a free slot.
func (t *table) slot() uint32 {
	if n := len(t.free); n > 0 {
		slot := t.free[n-1]
		t.free = t.free[:n-1]
		return slot
	}
	if t.slots%chunkSize == 0 {
		t.chunks = append(t.chunks, new([chunkSize]*sock))
	}
	t.slots++
	return t.slots - 1
}

// get returns the connection with that token, nil if it is gone.
func (t *table) get(k token) *sock {
	if k.slot < t.slots {
		if c := *t.at(k.slot); c != nil && c.token == k {
			return c
		}
	}
	return nil
}

func (t *table) remove(c *sock) {
	*t.at(c.token.slot) = nil
	t.free = append(t.free, c.token.slot)
}

func (t *table) len() int { return int(t.slots) - len(t.free) }

// all returns the connections.
func (t *table) all() iter.Seq[*sock] {
	return func(yield func(*sock) bool) {
		for slot := range t.slots {
			if c := *t.at(slot); c != nil && !yield(c) {
				return
			}
		}
	}
}

func (t *table) at(slot uint32) **sock { return &t.chunks[slot/chunkSize][slot%chunkSize] }
