package loop

import "testing"

func TestGateLetsPassWhatItsStateAllows(t *testing.T) {
	all := []Priority{Normal, Droppable, Through, Urgent, Last}
	cases := []struct {
		name    string
		prepare func(*gate)
		want    map[Priority]error // nil where there is none
	}{
		{name: "open", prepare: func(*gate) {}},
		{name: "held", prepare: func(g *gate) { g.hold(true) },
			want: map[Priority]error{Normal: ErrHeld, Droppable: ErrHeld}},
		{name: "held and let go", prepare: func(g *gate) { g.hold(true); g.hold(false) }},
		{name: "after the last", prepare: func(g *gate) { g.check(Last) },
			want: map[Priority]error{Normal: ErrClosed, Droppable: ErrClosed, Through: ErrClosed, Urgent: ErrClosed, Last: ErrClosed}},
		{name: "after the last that passed while held", prepare: func(g *gate) { g.hold(true); g.check(Last); g.hold(false) },
			want: map[Priority]error{Normal: ErrClosed, Droppable: ErrClosed, Through: ErrClosed, Urgent: ErrClosed, Last: ErrClosed}},
		{name: "held after the last", prepare: func(g *gate) { g.check(Last); g.hold(true) },
			want: map[Priority]error{Normal: ErrClosed, Droppable: ErrClosed, Through: ErrClosed, Urgent: ErrClosed, Last: ErrClosed}},
	}
	for _, c := range cases {
		for _, p := range all {
			var g gate
			c.prepare(&g)
			if err := g.check(p); err != c.want[p] {
				t.Errorf("%s: priority %d got %v, want %v", c.name, p, err, c.want[p])
			}
		}
	}
}
