package loop

// A queue is what a connection has to send. Its methods are called under the connection's lock; the writing itself
// goes on without it, from an outbox that take has set aside, while new messages fill another.
type queue struct {
	pending *outbox // is being filled
	flight  *outbox // is being written; nobody adds to it
}

func (q *queue) empty() bool { return q.pending.empty() && q.flight.empty() }

// size is what the limit counts.
func (q *queue) size() int { return q.pending.size() + q.flight.size() }

// droppable reports whether messages wait that may be thrown away.
func (q *queue) droppable() bool { return q.pending.hasDroppable() || q.flight.hasDroppable() }

// admit makes room for a message of n bytes if it can, or returns ErrFull. What is being written at this moment cannot
// be thrown away; where older messages make room for newer ones it does not count, so that a message is not refused
// which would have been admitted a moment later.
func (q *queue) admit(n int, p Priority, cfg *Config) error {
	if q.fits(n, p, cfg) {
		return nil
	}
	return q.makeRoom(n, p, cfg)
}

// makeRoom throws older messages away for one of n bytes that does not fit.
func (q *queue) makeRoom(n int, p Priority, cfg *Config) error {
	if p != Droppable && !q.droppable() {
		return ErrFull
	}
	room := max(0, cfg.outbox()-n-pieceCost)
	if q.dropOldest(room, cfg) > room && !q.empty() {
		return ErrFull
	}
	return nil
}

// dropOldest throws away messages until those that wait are within the limit, and returns the size of what is left of
// them.
func (q *queue) dropOldest(limit int, cfg *Config) int {
	dropped, resting := 0, 0
	if !q.flight.empty() && q.flight.resting {
		dropped += q.flight.dropOldest(max(0, limit-q.pending.size()))
		resting = q.flight.size()
	}
	if !q.pending.empty() {
		dropped += q.pending.dropOldest(max(0, limit-resting))
	}
	if dropped > 0 && cfg.Dropped != nil {
		cfg.Dropped(dropped)
	}
	return resting + q.pending.size()
}

// fits reports whether a message of n bytes is within the limit. An empty queue takes one of any size, and urgent ones
// are taken by any.
func (q *queue) fits(n int, p Priority, cfg *Config) bool {
	size := q.size() // 0 only if nothing waits
	return size == 0 || size+n+pieceCost <= cfg.outbox() || p >= Urgent
}

func (q *queue) add(head Head, body []byte, p Priority) { q.filling().add(head, body, p) }

func (q *queue) addFrame(f *Frame, p Priority) { q.filling().addFrame(f, p) }

// replace puts f in the place of a frame about the same subject, if one waits that may be thrown away.
func (q *queue) replace(f *Frame, p Priority, cfg *Config) bool {
	if p != Droppable || f.Subject == (Subject{}) || q.pending == nil {
		return false
	}
	if !q.pending.replace(f, cfg.outbox()-q.flight.size()) {
		return false
	}
	if cfg.Replaced != nil {
		cfg.Replaced()
	}
	return true
}

func (q *queue) filling() *outbox {
	if q.pending == nil {
		q.pending = outboxes.Get().(*outbox)
	}
	return q.pending
}

// take returns the outbox to write from, nil if nothing waits.
func (q *queue) take() *outbox {
	if q.flight.empty() && !q.pending.empty() {
		q.recycle()
		q.flight, q.pending = q.pending, nil
	}
	if q.flight.empty() {
		return nil
	}
	q.flight.resting = false
	return q.flight
}

// wrote notes that the first n bytes of what take returned are written. It returns that outbox if it is empty now: it is
// the caller's then.
func (q *queue) wrote(n int) (emptied *outbox) {
	q.flight.wrote(n)
	if q.flight.empty() {
		emptied, q.flight = q.flight, nil
	}
	return emptied
}

// lend gives the queue an empty outbox to fill, and reports whether it has use for one.
func (q *queue) lend(o *outbox) bool {
	if o == nil || q.pending != nil {
		return false
	}
	q.pending = o
	return true
}

// unused takes an outbox back that was not filled. It returns nil if there is none.
func (q *queue) unused() *outbox {
	o := q.pending
	if o == nil || !o.empty() {
		return nil
	}
	q.pending = nil
	return o
}

// rest says that nobody writes until the next take, so that messages in flight may be dropped again.
func (q *queue) rest() {
	if q.flight != nil {
		q.flight.resting = true
	}
}

// trim drops what was admitted beyond the limit during a write.
func (q *queue) trim(cfg *Config) {
	if q.size() > cfg.outbox() && q.droppable() {
		q.dropOldest(cfg.outbox(), cfg)
	}
}

func (q *queue) recycle() {
	if q.flight != nil {
		q.flight.free()
		q.flight = nil
	}
}

// discard throws everything away. Nobody may be writing.
func (q *queue) discard() {
	q.recycle()
	if q.pending != nil {
		q.pending.free()
		q.pending = nil
	}
}

// addFirst puts what is left of a message that was partly written, and counted, before everything else. Nothing is in
// flight.
func (q *queue) addFirst(head Head, body []byte) {
	q.recycle()
	q.flight = outboxes.Get().(*outbox)
	q.flight.add(head, body, Through)
}
