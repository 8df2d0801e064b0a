package molva

import "slices"

// chunkSize is how many connections a chunk of a roster holds: 4 KiB of pointers.
const chunkSize = 512

// roster is a list of connections that grows by chunks. A slice that grows with append would leave several times its
// size behind for the collector.
type roster struct {
	chunks []*[chunkSize]*Conn
	n      int
}

// add appends c and notes its place there.
func (r *roster) add(c *Conn) {
	if r.n == len(r.chunks)*chunkSize {
		r.chunks = append(r.chunks, new([chunkSize]*Conn))
	}
	*r.at(r.n) = c
	r.n++
	c.place = uint32(r.n)
}

// remove puts the last one in the place of c. One chunk more than needed is kept.
func (r *roster) remove(c *Conn) {
	r.n--
	last := r.at(r.n)
	*r.at(int(c.place) - 1) = *last
	(*last).place, c.place = c.place, 0
	*last = nil
	if spare := r.n/chunkSize + 2; spare < len(r.chunks) {
		r.chunks[spare] = nil
		r.chunks = r.chunks[:spare]
	}
}

func (r *roster) at(i int) **Conn { return &r.chunks[i/chunkSize][i%chunkSize] }

// appendTo appends all to conns.
func (r *roster) appendTo(conns []*Conn) []*Conn {
	conns = slices.Grow(conns, r.n)
	for i, left := 0, r.n; left > 0; i, left = i+1, left-chunkSize {
		conns = append(conns, r.chunks[i][:min(left, chunkSize)]...)
	}
	return conns
}
