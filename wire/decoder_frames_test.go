package wire

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// withDeflate makes the extension present, so that RSV1 is judged by its place alone.
func withDeflate() *Inflater { return NewInflater(15, false) }

func TestDecoderReadsEveryFormOfLength(t *testing.T) { // RFC 6455 §5.2
	for _, n := range []int{0, 1, 125, 126, 127, 128, 65535, 65536} {
		payload := strings.Repeat("0123456789abcde", n/15+1)[:n]
		for _, op := range []Opcode{OpText, OpBinary, OpPing, OpPong} {
			if op.IsControl() && n > MaxControlPayload {
				continue
			}
			c := decoderCase{
				name:   fmt.Sprintf("%v of %d", op, n),
				frames: []sent{{op: op, payload: payload}},
				want:   []event{{op, payload}},
			}
			c.run(t)
		}
	}
}

func TestDecoderReadsTheExamplesOfTheRFC(t *testing.T) { // RFC 6455 §5.7
	for _, c := range []struct {
		name string
		role Role
		wire string
		want []event
	}{
		{"single unmasked text", Client, "\x81\x05\x48\x65\x6c\x6c\x6f", []event{{OpText, "Hello"}}},
		{"single masked text", Server, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", []event{{OpText, "Hello"}}},
		{"fragmented unmasked text", Client, "\x01\x03\x48\x65\x6c\x80\x02\x6c\x6f", []event{{OpText, "Hello"}}},
		{"unmasked ping", Client, "\x89\x05\x48\x65\x6c\x6c\x6f", []event{{OpPing, "Hello"}}},
		{"masked pong", Server, "\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", []event{{OpPong, "Hello"}}},
		{"256 bytes", Client, "\x82\x7e\x01\x00" + strings.Repeat("b", 256), []event{{OpBinary, strings.Repeat("b", 256)}}},
		{"64 KiB", Client, "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00" + strings.Repeat("b", 65536),
			[]event{{OpBinary, strings.Repeat("b", 65536)}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			receiver{role: c.role}.check(t, []byte(c.wire), c.want, 0, 0)
		})
	}
}

func TestDecoderJoinsFragments(t *testing.T) { // RFC 6455 §5.4
	runDecoderCases(t, []decoderCase{
		{name: "two", frames: []sent{{op: OpText, payload: "Hel", form: more}, {payload: "lo"}},
			want: []event{{OpText, "Hello"}}},
		{name: "five", frames: []sent{
			{op: OpBinary, payload: "\x00", form: more}, {payload: "\xff", form: more}, {payload: "\xfe\xfd", form: more},
			{payload: "\x80", form: more}, {payload: "\x81"},
		}, want: []event{{OpBinary, "\x00\xff\xfe\xfd\x80\x81"}}},
		{name: "all empty", frames: []sent{{op: OpText, form: more}, {form: more}, {}}, want: []event{{OpText, ""}}},
		{name: "first empty", frames: []sent{{op: OpText, form: more}, {payload: "Hello"}}, want: []event{{OpText, "Hello"}}},
		{name: "last empty", frames: []sent{{op: OpText, payload: "Hello", form: more}, {}}, want: []event{{OpText, "Hello"}}},
		{name: "one amid empty", frames: []sent{{op: OpText, payload: "Hel", form: more}, {form: more}, {payload: "lo"}},
			want: []event{{OpText, "Hello"}}},
		{name: "large after small", frames: []sent{
			{op: OpBinary, payload: "a", form: more}, {payload: strings.Repeat("b", 600)},
		}, want: []event{{OpBinary, "a" + strings.Repeat("b", 600)}}},
		{name: "messages one after the other", frames: []sent{
			{op: OpText, payload: "a", form: more}, {payload: "b"}, {op: OpBinary, payload: "c", form: more}, {payload: "d"},
			{op: OpText, payload: "e"},
		}, want: []event{{OpText, "ab"}, {OpBinary, "cd"}, {OpText, "e"}}},
		{name: "unfinished", frames: []sent{{op: OpText, payload: "a", form: more}, {payload: "b", form: more}}},
		{name: "masking begins anew with every fragment", frames: []sent{
			{op: OpText, payload: "a", form: more}, {payload: "bc", form: more}, {payload: "def", form: more}, {payload: "ghijk"},
		}, want: []event{{OpText, "abcdefghijk"}}},
	})
}

func TestDecoderHandsOutControlFramesBetweenFragments(t *testing.T) { // RFC 6455 §5.4, §5.5
	long := strings.Repeat("p", MaxControlPayload)
	runDecoderCases(t, []decoderCase{
		{name: "ping", frames: []sent{{op: OpText, payload: "Hel", form: more}, {op: OpPing, payload: "?"}, {payload: "lo"}},
			want: []event{{OpPing, "?"}, {OpText, "Hello"}}},
		{name: "empty ones", frames: []sent{
			{op: OpText, payload: "Hel", form: more}, {op: OpPing}, {op: OpPong}, {payload: "lo"},
		}, want: []event{{OpPing, ""}, {OpPong, ""}, {OpText, "Hello"}}},
		{name: "longest ones, before, amid and after", frames: []sent{
			{op: OpPing, payload: long}, {op: OpText, payload: "Hel", form: more}, {op: OpPong, payload: long},
			{form: more}, {op: OpPing, payload: long}, {payload: "lo"}, {op: OpPong, payload: long},
		}, want: []event{{OpPing, long}, {OpPong, long}, {OpPing, long}, {OpText, "Hello"}, {OpPong, long}}},
		{name: "within a character", frames: []sent{
			{op: OpText, payload: "\xe2\x82", form: more}, {op: OpPing, payload: "\xff"}, {payload: "\xac"},
		}, want: []event{{OpPing, "\xff"}, {OpText, "€"}}},
		{name: "close", frames: []sent{
			{op: OpText, payload: "Hel", form: more}, {op: OpClose, payload: "\x03\xe8"}, {payload: "lo"},
		}, want: []event{{OpClose, "\x03\xe8"}}},
	})
}

func TestDecoderRefusesByTheFirstByte(t *testing.T) { // RFC 6455 §5.2, §5.4, §5.5; RFC 7692 §6
	type prologue struct {
		frames []sent
		want   []event
	}
	after := prologue{[]sent{{op: OpText, payload: "a"}}, []event{{OpText, "a"}}}
	amid := prologue{frames: []sent{{op: OpText, payload: "a", form: more}, {payload: "b", form: more}}}
	afterPing := prologue{[]sent{{op: OpPing}}, []event{{OpPing, ""}}}
	afterLast := prologue{[]sent{{op: OpText, form: more}, {payload: "a"}}, []event{{OpText, "a"}}}
	for _, c := range []struct {
		name    string
		inflate func() *Inflater
		before  prologue
		frame   sent
	}{
		{"RSV1 without the extension", nil, after, sent{op: OpText, form: rsv1}},
		{"RSV1 on binary without the extension", nil, after, sent{op: OpBinary, form: rsv1}},
		{"RSV1 on ping without the extension", nil, after, sent{op: OpPing, form: rsv1}},
		{"RSV1 on ping", withDeflate, after, sent{op: OpPing, form: rsv1}},
		{"RSV1 on pong", withDeflate, after, sent{op: OpPong, form: rsv1}},
		{"RSV1 on close", withDeflate, after, sent{op: OpClose, form: rsv1}},
		{"RSV1 on continuation", withDeflate, amid, sent{form: rsv1}},
		{"RSV2", withDeflate, after, sent{op: OpText, form: rsv2}},
		{"RSV2 on ping", withDeflate, after, sent{op: OpPing, form: rsv2}},
		{"RSV2 on continuation", withDeflate, amid, sent{form: rsv2}},
		{"RSV3", withDeflate, after, sent{op: OpBinary, form: rsv3}},
		{"RSV3 on close", withDeflate, after, sent{op: OpClose, form: rsv3}},
		{"all reserved bits", withDeflate, after, sent{op: OpText, form: rsv1 | rsv2 | rsv3}},

		{"fragmented ping", nil, after, sent{op: OpPing, form: more}},
		{"fragmented pong", nil, after, sent{op: OpPong, form: more}},
		{"fragmented close", nil, after, sent{op: OpClose, form: more}},
		{"fragmented ping amid a message", nil, amid, sent{op: OpPing, form: more}},

		{"text amid a message", nil, amid, sent{op: OpText}},
		{"binary amid a message", nil, amid, sent{op: OpBinary}},
		{"fragmented text amid a message", nil, amid, sent{op: OpText, form: more}},
		{"continuation first", nil, prologue{}, sent{}},
		{"fragmented continuation first", nil, prologue{}, sent{form: more}},
		{"continuation after a message", nil, after, sent{}},
		{"continuation after a ping", nil, afterPing, sent{}},
		{"continuation after the last fragment", nil, afterLast, sent{}},

		{"before what is wrong with the second byte", nil, after, sent{op: OpText, form: rsv2 | misMask}},
		{"before what is wrong with the length", nil, after, sent{op: OpText, form: rsv3 | length8B}},
		{"before what is wrong with the size", nil, after, sent{declared: 1 << 40}},
	} {
		for _, payload := range []string{"", "payload"} {
			frame := c.frame
			frame.payload = payload
			refused := decoderCase{
				name: fmt.Sprintf("%s/%d bytes", c.name, len(payload)), inflate: c.inflate,
				frames: append(slices.Clone(c.before.frames), frame), want: c.before.want,
				code: ProtocolError, at: place{frame: len(c.before.frames), header: 1},
			}
			refused.run(t)
		}
	}
}

func TestDecoderRefusesReservedOpcodes(t *testing.T) { // RFC 6455 §5.2
	for _, op := range []Opcode{0x3, 0x4, 0x5, 0x6, 0x7, 0xB, 0xC, 0xD, 0xE, 0xF} {
		for _, form := range []form{0, more, misMask, length8B} {
			c := decoderCase{
				name:   fmt.Sprintf("%X form %d", byte(op), form),
				frames: []sent{{op: OpPing}, {op: op, payload: "x", form: form}},
				want:   []event{{OpPing, ""}}, code: ProtocolError, at: place{frame: 1, header: 1},
			}
			c.run(t)
		}
	}
}

func TestDecoderRefusesByTheSecondByte(t *testing.T) { // RFC 6455 §5.1, §5.2, §5.5
	var cases []decoderCase
	refuse := func(name string, before []sent, frame sent) {
		c := decoderCase{name: name, frames: append(before, frame), code: ProtocolError,
			at: place{frame: len(before), header: 2}}
		cases = append(cases, c)
	}
	for _, op := range []Opcode{OpText, OpBinary, OpPing, OpPong, OpClose} {
		refuse(fmt.Sprintf("wrong masking of an empty %v", op), nil, sent{op: op, form: misMask})
		refuse(fmt.Sprintf("wrong masking of a %v", op), nil, sent{op: op, payload: "\x03\xe8Hello", form: misMask})
	}
	refuse("wrong masking of a continuation", []sent{{op: OpText, form: more}}, sent{form: misMask})
	refuse("wrong masking before a long form", nil, sent{op: OpText, form: misMask | length2B})
	for _, op := range []Opcode{OpPing, OpPong, OpClose} {
		for _, n := range []int{126, 127, 500} {
			refuse(fmt.Sprintf("%v of %d", op, n), nil, sent{op: op, payload: string(bytes.Repeat([]byte{3}, n))})
		}
		refuse(fmt.Sprintf("%v in 16 bits", op), nil, sent{op: op, payload: "ab", form: length2B})
		refuse(fmt.Sprintf("%v in 64 bits", op), nil, sent{op: op, payload: "ab", form: length8B})
	}
	runDecoderCases(t, cases)
}

func TestDecoderRefusesLengthsNotInTheirShortestForm(t *testing.T) { // RFC 6455 §5.2
	for _, n := range []int{0, 1, 125} {
		c := decoderCase{
			name: fmt.Sprintf("%d in 16 bits", n), frames: []sent{{op: OpBinary, payload: string(make([]byte, n)), form: length2B}},
			code: ProtocolError, at: place{header: 4},
		}
		c.run(t)
	}
	for _, n := range []int{0, 1, 125, 126, 65535} { // decided by six bytes that are 0
		c := decoderCase{
			name: fmt.Sprintf("%d in 64 bits", n), frames: []sent{{op: OpBinary, payload: string(make([]byte, n)), form: length8B}},
			code: ProtocolError, at: place{header: 8},
		}
		c.run(t)
	}
	for _, length := range []uint64{1 << 63, 1<<63 + 5, 1<<64 - 1} {
		c := decoderCase{
			name: fmt.Sprintf("%#x", length), limits: &Limits{Message: -1},
			frames: []sent{{op: OpBinary, payload: "Hello", declared: length}},
			code:   ProtocolError, at: place{header: 3},
		}
		c.run(t)
	}
}
