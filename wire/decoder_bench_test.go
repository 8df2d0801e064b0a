package wire

import (
	"fmt"
	"testing"
)

// BenchmarkDecoder reads single frames. They are masked with a key of zeros, which costs what any key costs and
// leaves the frame as it was for the next round.
func BenchmarkDecoder(b *testing.B) {
	for _, op := range []Opcode{OpText, OpBinary} {
		for _, size := range []int{128, 1 << 10, 64 << 10} {
			p := AppendFrame(nil, Header{Fin: true, Opcode: op, Masked: true}, sampleText(size))
			b.Run(fmt.Sprintf("%v/%d", op, size), func(b *testing.B) {
				d := NewDecoder(Server, nil, nil)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					if ev, _, err := d.Next(p); len(ev.Payload) != size || err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkDecoderFragmented reads a message of 4 KiB in frames that come in two halves.
func BenchmarkDecoderFragmented(b *testing.B) {
	for _, frames := range []int{1, 4, 64} {
		b.Run(fmt.Sprint(frames), func(b *testing.B) {
			message := sampleText(4 << 10)
			var p []byte
			for i := range frames {
				h := Header{Fin: i == frames-1, Masked: true}
				if i == 0 {
					h.Opcode = OpText
				}
				p = AppendFrame(p, h, message[i*len(message)/frames:(i+1)*len(message)/frames])
			}
			d := NewDecoder(Server, nil, nil)
			b.SetBytes(int64(len(message)))
			b.ReportAllocs()
			for b.Loop() {
				decodeInChunks(b, &d, p, len(p)/frames/2+1)
			}
		})
	}
}

// decodeInChunks gives p to d, n bytes at a time.
func decodeInChunks(t testing.TB, d *Decoder, p []byte, n int) {
	for len(p) > 0 {
		chunk := p[:min(n, len(p))]
		p = p[len(chunk):]
		for ev, rest, err := d.Next(chunk); ev.Op != 0 || err != nil; ev, rest, err = d.Next(rest) {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}
