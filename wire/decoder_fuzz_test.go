package wire

import (
	"slices"
	"testing"
)

// FuzzDecoder reads any bytes, in any role and under any limits. However they are cut, the outcome is the same.
func FuzzDecoder(f *testing.F) {
	text := deflated(f, "hello hello hello")[0]
	for _, frames := range [][]sent{
		{{op: OpText, payload: "жё", form: more}, {op: OpPing, payload: "ping"}, {payload: "日本"}, {op: OpClose, payload: "\x03\xe8bye"}},
		{{op: OpBinary, payload: string(make([]byte, 300))}, {op: OpPong}, {op: OpText, payload: "\xe2\x82"}},
		append(fragments(OpText, text, 3), sent{op: OpText, payload: text, form: rsv1}, sent{op: OpText, payload: "\xff"}),
		{{op: OpBinary, declared: 1 << 62}},
		{{op: OpText, form: more}, {form: more}, {form: more}, {form: more}, {}},
		{{op: OpClose, payload: "\x03\xed"}},
	} {
		for role := range uint8(2) {
			f.Add(encode(frames, Role(role)), role|2, uint16(1000), uint8(0), uint8(0), uint16(5), uint16(9))
			f.Add(encode(frames, Role(role)), role|4, uint16(10), uint8(5), uint8(2), uint16(3), uint16(2))
		}
	}
	f.Fuzz(func(t *testing.T, p []byte, flags uint8, message uint16, frame, fragments uint8, first, second uint16) {
		if len(p) > 4096 {
			return
		}
		limits := &Limits{Message: int64(message), Frame: int64(frame), Fragments: int(fragments)}
		r := receiver{role: Role(flags & 1), limits: limits, streaming: flags&4 != 0}
		if flags&2 != 0 {
			bits := 8 + int(flags>>4&7)
			r.inflate = func() *Inflater { return NewInflater(bits, flags&8 != 0) }
		}
		want, failed := r.decode(t, p, []int{len(p)})
		checkOutcome(t, &want, limits)

		a := min(int(first), len(p))
		b := min(a+int(second), len(p))
		for _, ends := range [][]int{{a, b, len(p)}, {a, len(p)}, singles(len(p))} {
			got, at := r.decode(t, p, ends)
			if !got.equal(&want) {
				t.Fatalf("in chunks that end at %.5v:\n got %v\nwant %v", ends, &got, &want)
			}
			failed = min(failed, at)
		}
		if want.code == 0 {
			return
		}
		// What decides the error is there with the byte that the single bytes found, and not before it.
		for _, end := range []int{failed - 1, failed} {
			if got, _ := r.decode(t, p, []int{end}); (got.code != 0) != (end == failed) {
				t.Fatalf("the first %d bytes: %v, want an error with %d", end, &got, failed)
			}
		}
	})
}

// checkOutcome checks what holds for all outcomes.
func checkOutcome(t *testing.T, o *outcome, limits *Limits) {
	if !slices.Contains([]CloseCode{0, ProtocolError, InvalidPayload, MessageTooBig}, o.code) || (o.code == 0) != (o.reason == "") {
		t.Fatalf("%v", o)
	}
	for i, ev := range o.events {
		limit := limits.message()
		if ev.op.IsControl() {
			limit = MaxControlPayload
		}
		if int64(len(ev.payload)) > limit || ev.op == OpContinuation || ev.op.IsReserved() {
			t.Fatalf("%v", o)
		}
		if ev.op == OpText && !ValidUTF8([]byte(ev.payload)) {
			t.Fatalf("text is not UTF-8: %v", o)
		}
		if ev.op == OpClose && i != len(o.events)-1 {
			t.Fatalf("something follows a close: %v", o)
		}
	}
}
