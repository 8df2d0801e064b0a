package loop

// A table finds connections by token.
type table struct {
	socks      []*sock
	free       []uint32 // slots without a connection
	generation uint32   // of the connection that came last
}

// listenerGeneration marks the tokens of listening sockets, whose slots are their own.
const listenerGeneration = 1<<32 - 1

// put gives c a slot and sets its token.
func (t *table) put(c *sock) {
	t.generation = t.generation%(listenerGeneration-1) + 1
	if n := len(t.free); n > 0 {
		c.token = token{t.free[n-1], t.generation}
		t.free = t.free[:n-1]
		t.socks[c.token.slot] = c
		return
	}
	c.token = token{uint32(len(t.socks)), t.generation}
	t.socks = append(t.socks, c)
}

// get returns the connection with that token, nil if it is gone.
func (t *table) get(k token) *sock {
	if int64(k.slot) < int64(len(t.socks)) {
		if c := t.socks[k.slot]; c != nil && c.token == k {
			return c
		}
	}
	return nil
}

func (t *table) remove(c *sock) {
	t.socks[c.token.slot] = nil
	t.free = append(t.free, c.token.slot)
}

func (t *table) len() int { return len(t.socks) - len(t.free) }
