//go:build !race

package wire

import (
	"testing"

	"github.com/molva-ws/molva/internal/buffer"
)

// Under the race detector a sync.Pool drops some of what it is given, so these run without it.

func TestDeflateAllocatesNothing(t *testing.T) {
	for _, c := range deflateConfigs {
		for _, stream := range deflateStreams {
			size := len(stream.messages[0])
			if c.takeover && size < minWindowedMessage {
				continue // the stateless compressor copies the history
			}
			d := NewDeflater(c.bits, c.takeover)
			dst, i := make([]byte, 0, 2*size), 0
			got := testing.AllocsPerRun(100, func() {
				dst, _ = d.Append(dst[:0], stream.messages[i%64])
				i++
			})
			if got >= 1 {
				t.Errorf("%s, %s: %v allocations a message", c.name, stream.name, got)
			}
			d.Release()
		}
	}
}

func TestInflateAllocatesNothing(t *testing.T) {
	for _, c := range deflateConfigs {
		for _, stream := range deflateStreams {
			payloads := compressAll(t, c.bits, c.takeover, stream.messages)
			z, i := NewInflater(c.bits, c.takeover), 0
			got := testing.AllocsPerRun(63, func() {
				out := buffer.Get(2 * len(payloads[i]))
				if err := z.Inflate(out, payloads[i], -1); err != nil {
					t.Fatal(err)
				}
				out.Free()
				i++
			})
			if got >= 1 {
				t.Errorf("%s, %s: %v allocations a message", c.name, stream.name, got)
			}
			z.Release()
		}
	}
}
