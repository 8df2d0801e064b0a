package loop

const (
	// compactFrom is how many pieces must be gone before it is worth closing the gaps, and compactOwn how many bytes.
	compactFrom = 32
	compactOwn  = 4 << 10
)

func (o *outbox) hasDroppable() bool { return o != nil && o.droppable > 0 }

// dropOldest throws away droppable messages, the oldest first, until the size is at most limit, and returns how many
// it threw away. A message that was partly written stays. Nobody may be writing from the outbox.
//
// A message thrown away leaves a gap, so that this costs as much as there is to throw away, and not as much as waits.
func (o *outbox) dropOldest(limit int) int {
	dropped := 0
	i := max(o.kept, o.head)
	if i == o.head && o.sent > 0 {
		i++
	}
	for ; i < len(o.pieces) && o.size() > limit; i++ {
		if o.pieces[i].droppable {
			o.drop(i)
			dropped++
		}
	}
	o.kept = i
	o.passGone()
	if o.isSparse() {
		o.compact()
	}
	return dropped
}

// drop leaves a gap in the place of a message.
func (o *outbox) drop(i int) {
	p := &o.pieces[i]
	o.bytes -= p.n
	o.waiting -= int(p.messages)
	o.droppable--
	o.gone++
	if p.frame != nil {
		p.frame.Release()
		*p = piece{gone: true}
		return
	}
	o.goneOwn += p.n
	*p = piece{n: p.n, gone: true}
}

// passGone takes gaps at the head away.
func (o *outbox) passGone() {
	for o.head < len(o.pieces) && o.pieces[o.head].gone {
		n := o.pieces[o.head].n
		o.gone--
		o.goneOwn -= n
		o.ownHead += n
		o.pop()
	}
}

// isSparse reports whether more of the outbox is gone or written than waits.
func (o *outbox) isSparse() bool {
	pieces := o.head + o.gone
	if pieces >= compactFrom && pieces > len(o.pieces)-pieces {
		return true
	}
	own := o.ownHead + o.goneOwn
	return own >= compactOwn && own > o.own.Len()-own
}

// compact closes all gaps.
func (o *outbox) compact() {
	var pieces, from, to, kept int
	from = o.ownHead
	clear(o.latest)
	for i := o.head; i < len(o.pieces); i++ {
		p := o.pieces[i]
		own := 0
		if p.frame == nil {
			own = p.n
		}
		if i == o.head && p.frame == nil {
			own -= o.sent
		}
		if !p.gone {
			if own > 0 {
				copy(o.own.Bytes()[to:], o.own.Bytes()[from:from+own])
				to += own
			}
			o.pieces[pieces] = p
			o.noteSubject(&p, pieces)
			pieces++
			if i < o.kept {
				kept++
			}
		}
		from += own
	}
	clear(o.pieces[pieces:])
	o.pieces, o.head, o.kept, o.gone = o.pieces[:pieces], 0, kept, 0
	o.ownHead, o.goneOwn = 0, 0
	if o.own != nil {
		o.own.Set(o.own.Bytes()[:to])
	}
}

// noteSubject remembers where a piece is, if a newer one may take its place.
func (o *outbox) noteSubject(p *piece, i int) {
	if !p.droppable || p.frame == nil || p.frame.Subject == (Subject{}) {
		return
	}
	if o.latest == nil {
		o.latest = make(map[Subject]int)
	}
	o.latest[p.frame.Subject] = i
}

// replace puts f in the place of the frame about the same subject that waits, unless the size would be above limit, and
// reports whether it did. What is partly written stays. Nobody may be writing from the outbox.
func (o *outbox) replace(f *Frame, limit int) bool {
	i, ok := o.latest[f.Subject]
	if !ok || i < o.head || i == o.head && o.sent > 0 {
		return false
	}
	p := &o.pieces[i]
	if p.frame == nil || p.frame.Subject != f.Subject {
		return false // that one was thrown away
	}
	more := len(f.Bytes()) - p.n
	if more > 0 && o.size()+more > limit {
		return false
	}
	f.Retain()
	p.frame.Release()
	p.frame = f
	p.n += more
	o.bytes += more
	o.counted++
	return true
}
