package wire

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestDecoderLimitsMessages(t *testing.T) {
	ten := &Limits{Message: 10}
	runDecoderCases(t, []decoderCase{
		{name: "at the limit", limits: ten, frames: []sent{{op: OpText, payload: "0123456789"}},
			want: []event{{OpText, "0123456789"}}},
		{name: "over it", limits: ten, frames: []sent{{op: OpText, payload: "0123456789a"}},
			code: MessageTooBig, at: place{}},
		{name: "fragments at the limit", limits: ten,
			frames: []sent{{op: OpBinary, payload: "01234", form: more}, {payload: "5678", form: more}, {payload: "9"}},
			want:   []event{{OpBinary, "0123456789"}}},
		{name: "fragments over it", limits: ten,
			frames: []sent{{op: OpBinary, payload: "01234", form: more}, {payload: "5678", form: more}, {payload: "9a"}},
			code:   MessageTooBig, at: place{frame: 2}},
		{name: "a fragment that is not the last over it", limits: ten,
			frames: []sent{{op: OpBinary, payload: "01234", form: more}, {payload: "56789a", form: more}, {}},
			code:   MessageTooBig, at: place{frame: 1}},
		{name: "an empty fragment at the limit", limits: ten,
			frames: []sent{{op: OpBinary, payload: "0123456789", form: more}, {form: more}, {}},
			want:   []event{{OpBinary, "0123456789"}}},
		{name: "each message has its own", limits: ten,
			frames: []sent{{op: OpBinary, payload: "0123456789"}, {op: OpText, payload: "012345", form: more}, {payload: "6789"}},
			want:   []event{{OpBinary, "0123456789"}, {OpText, "0123456789"}}},
		{name: "control frames do not count", limits: ten,
			frames: []sent{{op: OpText, payload: "01234567", form: more}, {op: OpPing, payload: "longer than ten"}, {payload: "89"}},
			want:   []event{{OpPing, "longer than ten"}, {OpText, "0123456789"}}},
		{name: "the default", frames: []sent{{op: OpText, declared: 1<<20 + 1}}, code: MessageTooBig, at: place{}},
		{name: "at the default", frames: []sent{{op: OpText, payload: "begins", declared: 1 << 20}}},
		{name: "the default when other limits are set", limits: &Limits{Frame: -1, Fragments: 1},
			frames: []sent{{op: OpText, declared: 1<<20 + 1}}, code: MessageTooBig, at: place{}},
		{name: "none", limits: &Limits{Message: -1}, frames: []sent{{op: OpBinary, payload: "begins", declared: math.MaxInt64}}},
		{name: "none for fragments either", limits: &Limits{Message: -1},
			frames: []sent{{op: OpBinary, payload: "a", form: more}, {payload: "begins", declared: math.MaxInt64}}},
		{name: "the largest", limits: &Limits{Message: math.MaxInt64},
			frames: []sent{{op: OpBinary, payload: "a", form: more}, {declared: math.MaxInt64}},
			code:   MessageTooBig, at: place{frame: 1}},
	})
}

func TestDecoderLimitsFrames(t *testing.T) {
	ten := &Limits{Frame: 10}
	runDecoderCases(t, []decoderCase{
		{name: "at the limit", limits: ten, frames: []sent{{op: OpText, payload: "0123456789"}},
			want: []event{{OpText, "0123456789"}}},
		{name: "over it", limits: ten, frames: []sent{{op: OpText, payload: "0123456789a"}}, code: MessageTooBig, at: place{}},
		{name: "a message may be longer than its frames", limits: ten,
			frames: []sent{{op: OpText, payload: "0123456789", form: more}, {payload: "0123456789"}},
			want:   []event{{OpText, "01234567890123456789"}}},
		{name: "a later fragment over it", limits: ten,
			frames: []sent{{op: OpText, payload: "0", form: more}, {payload: "0123456789a"}},
			code:   MessageTooBig, at: place{frame: 1}},
		{name: "control frames have their own", limits: ten, frames: []sent{{op: OpPing, payload: "longer than ten"}},
			want: []event{{OpPing, "longer than ten"}}},
		{name: "none", limits: &Limits{Frame: -1}, frames: []sent{{op: OpText, payload: strings.Repeat("a", 200)}},
			want: []event{{OpText, strings.Repeat("a", 200)}}},
		{name: "none, but that of the message", limits: &Limits{Message: 10, Frame: 100},
			frames: []sent{{op: OpText, payload: "0123456789a"}}, code: MessageTooBig, at: place{}},
	})
}

func TestDecoderLimitsFragments(t *testing.T) {
	fragmented := func(n int) []sent {
		frames := []sent{{op: OpText, form: more}}
		for range n - 2 {
			frames = append(frames, sent{form: more})
		}
		return append(frames, sent{})
	}
	two := &Limits{Fragments: 2}
	runDecoderCases(t, []decoderCase{
		{name: "at the limit", limits: two, frames: fragmented(2), want: []event{{OpText, ""}}},
		{name: "over it", limits: two, frames: fragmented(3), code: MessageTooBig, at: place{frame: 2}},
		{name: "one", limits: &Limits{Fragments: 1}, frames: []sent{{op: OpText}, {op: OpText, form: more}, {}},
			want: []event{{OpText, ""}}, code: MessageTooBig, at: place{frame: 2}},
		{name: "each message has its own", limits: two, frames: append(fragmented(2), fragmented(2)...),
			want: []event{{OpText, ""}, {OpText, ""}}},
		{name: "control frames do not count", limits: two,
			frames: []sent{{op: OpText, form: more}, {op: OpPing}, {op: OpPong}, {op: OpPing}, {}},
			want:   []event{{OpPing, ""}, {OpPong, ""}, {OpPing, ""}, {OpText, ""}}},
		{name: "at the default", frames: fragmented(1024), want: []event{{OpText, ""}}},
		{name: "over the default", limits: &Limits{}, frames: fragmented(1025), code: MessageTooBig, at: place{frame: 1024}},
		{name: "none", limits: &Limits{Fragments: -1}, frames: fragmented(2000), want: []event{{OpText, ""}}},
	})
}

// A peer may declare what it likes: memory grows with what it sends.
func TestDecoderHoldsNoMoreThanArrived(t *testing.T) {
	for _, declared := range []uint64{1 << 24, 1 << 62, math.MaxInt64} {
		for _, op := range []Opcode{OpText, OpBinary} {
			t.Run(fmt.Sprintf("%v of %d", op, declared), func(t *testing.T) {
				var d Decoder
				limits, header := &Limits{Message: -1}, sent{op: op, declared: declared}.header(Server)
				allocated := testing.AllocsPerRun(10, func() {
					d = NewDecoder(Server, limits, nil)
					if _, _, err := d.Next(header); err != nil {
						t.Fatal(err)
					}
				})
				defer d.Release()
				if allocated != 0 || d.partial != nil {
					t.Errorf("the header made it take memory")
				}
				if got := d.Missing(); got != int64(declared) {
					t.Errorf("%d bytes are missing", got)
				}
				arrived := 0
				for range 2000 {
					chunk := []byte("0123456789")
					Mask(chunk, d.key)
					if _, _, err := d.Next(chunk); err != nil {
						t.Fatal(err)
					}
					arrived += len(chunk)
					if got := d.partial.Cap(); got > max(512, 2*arrived) {
						t.Fatalf("%d bytes of memory for %d that arrived", got, arrived)
					}
				}
			})
		}
	}
}
