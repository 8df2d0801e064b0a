//go:build !race

package wire

import (
	"fmt"
	"testing"
)

// Under the race detector a sync.Pool drops some of what it is given, so this runs without it.
func TestDecoderAllocatesNothing(t *testing.T) {
	for _, c := range []struct {
		name   string
		frames func(payload string) []sent
	}{
		{"whole", func(p string) []sent { return []sent{{op: OpText, payload: p}} }},
		{"fragmented", func(p string) []sent {
			return []sent{{op: OpBinary, payload: p, form: more}, {op: OpPing, payload: "ping"}, {payload: p}}
		}},
		{"compressed", func(p string) []sent {
			return fragments(OpText, string(compressAll(t, 15, false, [][]byte{[]byte(p)})[0]), 2)
		}},
	} {
		for _, size := range []int{0, 128, 1024, 64 << 10} {
			p := encode(c.frames(string(sampleText(size))), Client)
			for _, chunk := range []int{len(p), 1000, 7} {
				d := NewDecoder(Client, nil, NewInflater(15, false))
				t.Run(fmt.Sprintf("%s of %d in chunks of %d", c.name, size, chunk), func(t *testing.T) {
					if allocated := testing.AllocsPerRun(20, func() { decodeInChunks(t, &d, p, chunk) }); allocated != 0 {
						t.Errorf("%v allocations", allocated)
					}
				})
			}
		}
	}
}
