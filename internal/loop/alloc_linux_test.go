//go:build !race

package loop

import (
	"io"
	"testing"
	"time"
)

func TestNothingIsAllocatedPerMessage(t *testing.T) {
	_, address := serve(t, GroupConfig{Loops: 1}, func(c Conn) Handler {
		return &calls{data: func(p []byte) { c.Send(Head{}, p, Normal) }}
	})
	for _, size := range []int{128, 2 * directSize} {
		nc := dial(t, address)
		nc.SetDeadline(time.Time{}) // each takes long where others keep the machine busy: there is one processor for this
		p := make([]byte, size)
		var failed error
		n := testing.AllocsPerRun(200, func() {
			nc.Write(p)
			if _, err := io.ReadFull(nc, p); err != nil {
				failed = err
			}
		})
		if failed != nil {
			t.Fatal(failed)
		}
		// The pools may be emptied by a garbage collection.
		if n > 0 {
			t.Errorf("%v allocations for an echo of %d bytes", n, size)
		}
	}
}
