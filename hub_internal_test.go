package molva

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Beyond a few members a set finds them by an index, which has to follow every change.
func TestSetHoldsEveryMemberOnce(t *testing.T) {
	var s set
	conns := make([]*Conn, 3*fewMembers)
	in := make(map[*Conn]bool)
	for i := range conns {
		conns[i] = new(Conn)
	}
	for step := range 20 * len(conns) {
		c := conns[rand.IntN(len(conns))]
		if step < len(conns) || rand.IntN(2) == 0 {
			s.add(c)
			in[c] = true
		} else {
			s.remove(c)
			delete(in, c)
		}
		for _, c := range conns {
			if i := s.find(c); in[c] != (i >= 0) || i >= 0 && s.members[i] != c {
				t.Fatalf("step %d: a connection is found at %d; it is a member: %v", step, i, in[c])
			}
		}
		if len(s.members) != len(in) {
			t.Fatalf("step %d: %d members, want %d", step, len(s.members), len(in))
		}
	}
}

func TestOpeningsHoldEveryOpeningOnce(t *testing.T) {
	var l openings
	all := make([]opening, 8)
	in := make(map[*opening]bool)
	for range 1000 {
		o := &all[rand.IntN(len(all))]
		if !in[o] {
			l.add(o)
			in[o] = true
		} else {
			l.remove(o)
			l.remove(o) // who closes it need not know who took it out
			delete(in, o)
		}
		var listed []*opening
		for o := l.first; o != nil && len(listed) <= len(all); o = o.next {
			listed = append(listed, o)
		}
		if len(listed) != len(in) || slices.ContainsFunc(listed, func(o *opening) bool { return !in[o] }) {
			t.Fatalf("%d are listed, want %d", len(listed), len(in))
		}
	}
}
