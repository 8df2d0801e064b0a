package loop

import (
	"sync"

	"github.com/molva-ws/molva/internal/buffer"
)

// An outbox holds messages in the order in which they are to be written. A connection has one only while it has
// something to send.
type outbox struct {
	pieces []piece // from head on
	head   int
	sent   int // bytes of pieces[head] that are written already

	own     *buffer.Buffer // the bytes of all pieces that are not shared frames, from ownHead on
	ownHead int

	// See outbox_drop.go.
	kept      int             // no piece before it may be thrown away, but for one that was begun
	droppable int             // messages that may
	gone      int             // pieces that were thrown away and not passed yet
	goneOwn   int             // their bytes among the outbox's own
	latest    map[Subject]int // where the frame about a subject was put that a newer one may replace

	bytes   int  // what is left to write
	waiting int  // messages that are not written whole
	counted int  // messages for the statistics, until somebody takes the number
	resting bool // was taken for writing and put down, because the socket takes no more

	slices [][]byte // what gather returned last, kept for its array
}

// A piece is a message: a shared frame, or, if frame is nil, the next n bytes of the outbox's own. Neighbours of the
// latter kind that nobody will drop are one piece.
type piece struct {
	frame     *Frame
	n         int
	messages  int32
	droppable bool
	gone      bool // was thrown away: all that is left of it is n bytes to pass over
}

// maxJoined bounds the messages in a piece: all of them count against the limit until the last is written.
const maxJoined = 64

// pieceCost is counted with every message, so that a flood of tiny ones cannot take much more memory than the
// outbox's limit says.
const pieceCost = 16

// maxSlices bounds what is given to one system call.
const maxSlices = 64

// keptPieces and keptBytes bound what an empty outbox takes back to the pool with it.
const (
	keptPieces = 1024
	keptBytes  = 4 << 10
)

var outboxes = sync.Pool{New: func() any { return new(outbox) }}

func (o *outbox) empty() bool { return o == nil || o.head == len(o.pieces) }

// size is what the outbox's limit counts.
func (o *outbox) size() int {
	if o == nil {
		return 0
	}
	return o.bytes + pieceCost*o.waiting
}

func (o *outbox) add(head Head, body []byte, p Priority) {
	n := head.Size + len(body)
	if o.own == nil {
		o.own = buffer.Get(maxHead + len(body))
	}
	room := o.own.Room(maxHead + len(body))
	head.put(room)
	copy(room[head.Size:], body)
	o.own.Commit(n)
	o.note(n, p)
	if last := len(o.pieces) - 1; last >= o.head && p != Droppable && o.pieces[last].joins() {
		o.pieces[last].n += n
		o.pieces[last].messages++
		return
	}
	o.pieces = append(o.pieces, piece{n: n, messages: 1, droppable: p == Droppable})
}

func (o *outbox) addFrame(f *Frame, p Priority) {
	f.Retain()
	n := len(f.Bytes())
	o.note(n, p)
	o.pieces = append(o.pieces, piece{frame: f, n: n, messages: 1, droppable: p == Droppable})
	last := len(o.pieces) - 1
	o.noteSubject(&o.pieces[last], last)
}

// note counts a message of n bytes.
func (o *outbox) note(n int, p Priority) {
	o.bytes += n
	o.waiting++
	if p.counts() {
		o.counted++
	}
	if p == Droppable {
		o.droppable++
	}
}

// joins reports whether another message may become part of the piece.
func (p *piece) joins() bool {
	return p.frame == nil && !p.droppable && !p.gone && p.messages < maxJoined
}

// takeCounted returns how many messages came since the last call, for the statistics.
func (o *outbox) takeCounted() int {
	n := o.counted
	o.counted = 0
	return n
}

// gather appends to dst the slices that are to be written next, at most max in all. Neighbours in memory become one.
func (o *outbox) gather(dst [][]byte, max int) [][]byte {
	own, skip := o.ownHead, o.sent
	joins := false
	for _, p := range o.pieces[o.head:] {
		n := p.n - skip
		skip = 0
		if p.gone {
			own += n
			joins = false
			continue
		}
		if p.frame == nil {
			b := o.own.Bytes()[own : own+n]
			own += n
			if joins {
				last := &dst[len(dst)-1]
				*last = o.own.Bytes()[own-n-len(*last) : own]
				continue
			}
			if len(dst) == max {
				break
			}
			dst = append(dst, b)
		} else {
			if len(dst) == max {
				break
			}
			dst = append(dst, p.frame.Bytes()[p.n-n:])
		}
		joins = p.frame == nil
	}
	return dst
}

// next returns what to give to one system call. It is valid until the next call.
func (o *outbox) next() [][]byte {
	o.slices = o.gather(o.slices[:0], maxSlices)
	return o.slices
}

// wrote takes the first n bytes away.
func (o *outbox) wrote(n int) {
	o.bytes -= n
	for n > 0 {
		o.passGone()
		p := &o.pieces[o.head]
		step := min(n, p.n-o.sent)
		n -= step
		o.sent += step
		if p.frame == nil {
			o.ownHead += step
		}
		if o.sent == p.n {
			o.pop()
		}
	}
	o.passGone()
}

// pop takes away the piece at the head, of which sent bytes are written.
func (o *outbox) pop() {
	p := &o.pieces[o.head]
	if p.frame != nil {
		p.frame.Release()
	}
	if p.droppable {
		o.droppable--
	}
	o.waiting -= int(p.messages)
	o.pieces[o.head] = piece{}
	o.head++
	o.sent = 0
}

// free gives all memory back.
func (o *outbox) free() {
	o.reset(keptBytes)
	outboxes.Put(o)
}

// reset empties the outbox. It keeps memory for most bytes of its own, at most, for the next messages.
func (o *outbox) reset(most int) {
	for !o.empty() {
		o.pop()
	}
	own := o.own
	if own != nil && own.Cap() <= most {
		own.Set(own.Bytes()[:0])
	} else {
		own.Free()
		own = nil
	}
	pieces := o.pieces[:0]
	if cap(pieces) > keptPieces {
		pieces = nil
	}
	clear(o.slices)
	*o = outbox{pieces: pieces, own: own, slices: o.slices[:0]}
}
