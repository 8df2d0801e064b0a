package wire

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
)

// event is an Event with a payload of its own.
type event struct {
	op      Opcode
	payload string
}

// outcome is what a Decoder makes of bytes: events and the error that ends them.
type outcome struct {
	events []event
	code   CloseCode // 0 if there is no error
	reason string
}

func (o *outcome) equal(other *outcome) bool {
	return slices.Equal(o.events, other.events) && o.code == other.code && o.reason == other.reason
}

// String shortens long payloads.
func (o *outcome) String() string {
	var b bytes.Buffer
	for _, ev := range o.events {
		fmt.Fprintf(&b, "%v of %d bytes %.40q, ", ev.op, len(ev.payload), ev.payload)
	}
	fmt.Fprintf(&b, "error %d %q", o.code, o.reason)
	return b.String()
}

// receiver makes the decoders of a test.
type receiver struct {
	role      Role
	limits    *Limits
	inflate   func() *Inflater // nil: no extension
	streaming bool
}

func (r receiver) decoder() Decoder {
	var inflate *Inflater
	if r.inflate != nil {
		inflate = r.inflate()
	}
	d := NewDecoder(r.role, r.limits, inflate)
	d.SetStreaming(r.streaming)
	return d
}

// decode gives p to a decoder in chunks that end at the given offsets. Pieces of a message are joined. failed is the
// end of the chunk in which the error came, or -1. Every chunk is overwritten as soon as the decoder has read it.
func (r receiver) decode(t testing.TB, p []byte, ends []int) (got outcome, failed int) {
	t.Helper()
	d := r.decoder()
	defer d.Release()
	p = bytes.Clone(p)
	var pieces []byte
	start, failed := 0, -1
	for _, end := range ends {
		for rest := p[start:end:end]; ; {
			ev, after, err := d.Next(rest)
			checkDecoderState(t, &d, err)
			if err != nil {
				var e *Error
				if !errors.As(err, &e) {
					t.Fatalf("%T is not an *Error", err)
				}
				if failed < 0 {
					got.code, got.reason, failed = e.Code, e.Reason, end
				} else if e.Code != got.code || e.Reason != got.reason {
					t.Fatalf("the error changed from %q to %q", got.reason, e.Reason)
				}
				break
			}
			if ev.Op == 0 {
				if d.lent != nil {
					t.Fatal("the decoder holds memory of an event that is over")
				}
				break
			}
			if !ev.Fin && (!r.streaming || len(ev.Payload) == 0) {
				t.Fatalf("piece of %d bytes, streaming %t", len(ev.Payload), r.streaming)
			}
			if ev.Op.IsControl() {
				got.events = append(got.events, event{ev.Op, string(ev.Payload)})
			} else if pieces = append(pieces, ev.Payload...); ev.Fin {
				got.events = append(got.events, event{ev.Op, string(pieces)})
				pieces = pieces[:0]
			}
			rest = after
		}
		for i := start; i < end; i++ {
			p[i] = 0xDB
		}
		start = end
	}
	return got, failed
}

// checkDecoderState checks what holds after every call of Next.
func checkDecoderState(t testing.TB, d *Decoder, err error) {
	t.Helper()
	if err != nil && d.lent != nil {
		t.Fatal("the decoder holds memory of an event that never was")
	}
	idle := err != nil || d.closed || !d.inFrame && d.message == 0
	if idle && (d.partial != nil || d.control != nil) {
		t.Fatal("the decoder holds memory between messages or after the last")
	}
	if idle && d.Missing() != 0 {
		t.Fatalf("%d bytes are missing of no frame", d.Missing())
	}
	limit := d.wireLimit()
	if n := d.partial.Len(); limit >= 0 && int64(n) > limit {
		t.Fatalf("the decoder holds %d bytes, over the limit of %d", n, limit)
	}
	if n := d.control.Len(); n > MaxControlPayload {
		t.Fatalf("the decoder holds %d bytes of a control frame", n)
	}
}

// splits are the ways to cut n bytes that every test tries: not at all, into single bytes, and in two at every
// offset, of which long inputs have a choice near both ends and in between.
func splits(n int) [][]int {
	all := [][]int{{n}, singles(n)}
	for i := 1; i < n; i++ {
		if n <= 1024 || i < 32 || i > n-32 || i%(n/16) == 0 {
			all = append(all, []int{i, n})
		}
	}
	return all
}

// singles cuts n bytes into single ones.
func singles(n int) []int {
	ends := make([]int, n)
	for i := range ends {
		ends[i] = i + 1
	}
	return ends
}

// check decodes p cut in all ways, in whole messages and in pieces, and wants the same outcome each time. failAt is
// the number of bytes that decide the error, 0 if there is none: it must come in the chunk that has the last of them.
func (r receiver) check(t *testing.T, p []byte, events []event, code CloseCode, failAt int) {
	t.Helper()
	want := outcome{events: events, code: code}
	for _, streaming := range []bool{false, true} {
		r.streaming = streaming
		for i, ends := range splits(len(p)) {
			got, failed := r.decode(t, p, ends)
			if i == 0 && !streaming {
				want.reason = got.reason // any reason will do, but always the same
			}
			if !got.equal(&want) {
				t.Fatalf("streaming %t, in %d chunks, the first of %d bytes:\n got %v\nwant %v",
					streaming, len(ends), ends[0], &got, &want)
			}
			if code == 0 {
				continue
			}
			if first := slices.IndexFunc(ends, func(end int) bool { return end >= failAt }); failed != ends[first] {
				t.Fatalf("streaming %t, in %d chunks, the first of %d bytes: %q came after %d bytes, but %d decide it",
					streaming, len(ends), ends[0], got.reason, failed, failAt)
			}
		}
	}
}

// decoderCase is what a peer sends and what a decoder has to make of it, in either role.
type decoderCase struct {
	name    string
	limits  *Limits
	inflate func() *Inflater
	frames  []sent
	want    []event
	code    CloseCode // 0 for no error
	at      place     // the byte that decides the error
}

func (c *decoderCase) run(t *testing.T) {
	for _, role := range []Role{Server, Client} {
		t.Run(c.name+"/"+role.String(), func(t *testing.T) {
			r := receiver{role: role, limits: c.limits, inflate: c.inflate}
			failAt := 0
			if c.code != 0 {
				failAt = c.at.bytes(c.frames, role)
			}
			r.check(t, encode(c.frames, role), c.want, c.code, failAt)
		})
	}
}

func runDecoderCases(t *testing.T, cases []decoderCase) {
	for i := range cases {
		cases[i].run(t)
	}
}

func TestDecoderZeroValueIsAServerWithDefaultLimits(t *testing.T) {
	var d Decoder
	ev, rest, err := d.Next(encode([]sent{{op: OpText, payload: "hi"}, {op: OpPing}}, Server))
	if err != nil || ev.Op != OpText || string(ev.Payload) != "hi" || len(rest) != 6 {
		t.Fatalf("%v %q, rest %d, %v", ev.Op, ev.Payload, len(rest), err)
	}
	var failure *Error
	_, _, err = d.Next(encode([]sent{{op: OpText, declared: defaultMaxMessage + 1}}, Server))
	if !errors.As(err, &failure) || failure.Code != MessageTooBig {
		t.Errorf("over the default limit: %v", err)
	}
}

func TestDecoderHandsOutWholeFramesWhereTheyLie(t *testing.T) {
	for _, op := range []Opcode{OpText, OpBinary, OpPing, OpClose} {
		for _, role := range []Role{Server, Client} {
			d := NewDecoder(role, nil, nil)
			first := sent{op: op, payload: "\x03\xe8as it lies"}
			if op == OpText {
				first.payload = "as it lies"
			}
			p := encode([]sent{first, {op: OpText, payload: "next"}}, role)
			ev, rest, err := d.Next(p)
			if err != nil || string(ev.Payload) != first.payload {
				t.Fatalf("%v: %q, %v", op, ev.Payload, err)
			}
			size := len(first.header(role))
			if &ev.Payload[0] != &p[size] {
				t.Errorf("%v for a %v was copied", op, role)
			}
			if cap(ev.Payload) != len(ev.Payload) {
				t.Errorf("%v for a %v: an append to the payload would overwrite the next frame", op, role)
			}
			if &rest[0] != &p[size+len(first.payload)] {
				t.Errorf("%v for a %v: the rest is elsewhere", op, role)
			}
		}
	}
}

func TestDecoderTellsHowMuchOfAFrameIsMissing(t *testing.T) {
	d := NewDecoder(Client, nil, nil)
	p := encode([]sent{{op: OpBinary, payload: string(make([]byte, 200))}}, Client)
	start := 0
	for _, step := range []struct{ end, want int }{{3, 0}, {4, 200}, {5, 199}, {104, 100}, {203, 1}, {204, 0}} {
		if _, _, err := d.Next(p[start:step.end]); err != nil {
			t.Fatal(err)
		}
		if got := d.Missing(); got != int64(step.want) {
			t.Errorf("%d bytes are missing after %d, want %d", got, step.end, step.want)
		}
		start = step.end
	}
}

func TestDecoderReleaseLeavesNothing(t *testing.T) {
	inflate := NewInflater(15, true)
	d := NewDecoder(Server, nil, inflate)
	message := compressAll(t, 15, true, [][]byte{sampleText(100)})[0]
	p := encode([]sent{
		{op: OpText, payload: string(message), form: rsv1},
		{op: OpText, payload: "half", form: more},
		{op: OpPing, payload: "half"},
	}, Server)
	p = p[:len(p)-1]
	for ev, rest, err := d.Next(p); ev.Op != 0 || err != nil; ev, rest, err = d.Next(rest) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if d.partial == nil || d.control == nil || inflate.history.buf == nil {
		t.Fatal("there is nothing to release")
	}
	d.Release()
	if d.partial != nil || d.control != nil || d.lent != nil || inflate.history.buf != nil {
		t.Error("memory is left")
	}
	if ev, _, err := d.Next(encode([]sent{{op: OpPing}}, Server)); ev.Op != 0 || err != nil {
		t.Errorf("after Release: %v, %v", ev.Op, err)
	}
	d.Release()
}
