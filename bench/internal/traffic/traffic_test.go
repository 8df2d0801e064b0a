package traffic

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"unicode/utf8"
)

const source = 70001

// echo is what a faultless server makes of a batch: the frames of n messages,
// unmasked unless raw.
func echo(f *Format, first uint32, n int) []byte {
	batch := f.Batch(n)
	f.Stamp(batch, source, first)
	if f.opcode == Raw {
		return batch
	}
	var answer []byte
	for frame := range slices.Chunk(batch, f.RequestLen()) {
		answer = append(answer, f.response[:f.outTag]...)
		key := frame[f.inTag-4 : f.inTag]
		for i, b := range frame[f.inTag:] {
			answer = append(answer, b^key[i&3])
		}
	}
	return answer
}

func forEachFormat(t *testing.T, test func(t *testing.T, f *Format)) {
	for _, opcode := range []Opcode{Raw, Text, Binary} {
		for _, size := range []int{0, 1, 7, 8, 9, 125, 126, 127, 65535, 65536} {
			t.Run(fmt.Sprintf("opcode %d size %d", opcode, size), func(t *testing.T) {
				test(t, NewFormat(opcode, size))
			})
		}
	}
}

func TestFaithfulEchoPassesHoweverItIsCut(t *testing.T) {
	forEachFormat(t, func(t *testing.T, f *Format) {
		stream := echo(f, 0, 5)
		for _, cut := range []int{1, 2, 3, 10, 11, 64, 1000, len(stream)} {
			var k Checker
			completed := 0
			for piece := range slices.Chunk(stream, cut) {
				n, control, err := k.Check(f, source, piece)
				if err != nil || control != nil {
					t.Fatalf("cut %d: control %x, error %v", cut, control, err)
				}
				completed += n
			}
			if completed != 5 || k.Received() != 5 || k.Midway() {
				t.Fatalf("cut %d: completed %d, received %d, midway %v", cut, completed, k.Received(), k.Midway())
			}
		}
	})
}

func TestEachCorruptByteIsFoundWhereItIs(t *testing.T) {
	for _, opcode := range []Opcode{Raw, Text, Binary} {
		f := NewFormat(opcode, 130)
		stream := echo(f, 0, 2)
		second := len(stream) / 2
		for i := range stream {
			bad := bytes.Clone(stream)
			bad[i] ^= 0x01
			var k Checker
			_, _, err := k.Check(f, source, bad)
			var m *Mismatch
			if !errors.As(err, &m) {
				t.Fatalf("opcode %d: byte %d corrupt, error %v", opcode, i, err)
			}
			if at := int(m.Sequence)*second + m.Offset; at != i || m.Got != bad[i] || m.Want != stream[i] {
				t.Fatalf("opcode %d: byte %d corrupt, reported as %v", opcode, i, m)
			}
		}
	}
}

func TestWrongOrderIsFound(t *testing.T) {
	f := NewFormat(Binary, 16)
	frames := slices.Collect(slices.Chunk(echo(f, 0, 4), len(f.response)))
	for name, order := range map[string][]int{
		"lost":          {0, 2, 3},
		"doubled":       {0, 1, 1, 2},
		"reordered":     {0, 2, 1, 3},
		"first is lost": {1},
	} {
		t.Run(name, func(t *testing.T) {
			var k Checker
			var err error
			for _, i := range order {
				if _, _, err = k.Check(f, source, frames[i]); err != nil {
					break
				}
			}
			if err == nil {
				t.Fatal("not noticed")
			}
		})
	}
}

func TestMessageOfAnotherConnectionIsFound(t *testing.T) {
	f := NewFormat(Binary, 16)
	var k Checker
	if _, _, err := k.Check(f, source+1, echo(f, 0, 1)); err == nil {
		t.Fatal("not noticed")
	}
}

func TestMissingTailShows(t *testing.T) {
	f := NewFormat(Binary, 16)
	stream := echo(f, 0, 2)
	var k Checker
	if _, _, err := k.Check(f, source, stream[:len(stream)-1]); err != nil {
		t.Fatal(err)
	}
	if k.Received() != 1 || !k.Midway() {
		t.Fatalf("received %d, midway %v", k.Received(), k.Midway())
	}
}

func TestControlFramesAreHandedBack(t *testing.T) {
	f := NewFormat(Binary, 16)
	ping := []byte{0x89, 1, 'x'}
	var k Checker
	n, control, err := k.Check(f, source, append(echo(f, 0, 1), ping...))
	if n != 1 || !bytes.Equal(control, ping) || err != nil {
		t.Fatalf("completed %d, control %x, error %v", n, control, err)
	}
}

func TestTextPayloadIsUTF8(t *testing.T) {
	f := NewFormat(Text, 300)
	for _, first := range []uint32{0, 63, 64, 1 << 20, 1<<32 - 1} {
		if answer := echo(f, first, 1); !utf8.Valid(answer[f.outTag:]) {
			t.Fatalf("message %d is not UTF-8", first)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	for _, size := range []int{128, 1024, 65536} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			f := NewFormat(Binary, size)
			batch := f.Batch(1)
			answer := echo(f, 0, 1)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				var k Checker
				f.Stamp(batch, source, 0)
				if _, _, err := k.Check(f, source, answer); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
