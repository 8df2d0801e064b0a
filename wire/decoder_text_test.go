package wire

import (
	"fmt"
	"strings"
	"testing"
)

func TestDecoderAcceptsTextCutWithinCharacters(t *testing.T) { // RFC 6455 §5.6, §8.1
	for _, text := range utf8Texts {
		for i := range len(text) + 1 {
			c := decoderCase{
				name:   fmt.Sprintf("%q cut at %d", text, i),
				frames: []sent{{op: OpText, payload: text[:i], form: more}, {payload: text[i:]}},
				want:   []event{{OpText, text}},
			}
			c.run(t)
		}
		c := decoderCase{name: fmt.Sprintf("%q byte by byte", text), frames: []sent{{op: OpText, form: more}}, want: []event{{OpText, text}}}
		for i := range len(text) {
			c.frames = append(c.frames, sent{payload: text[i : i+1], form: more})
		}
		c.frames = append(c.frames, sent{})
		c.run(t)
	}
}

func TestDecoderRefusesTextAtTheFirstImpossibleByte(t *testing.T) { // RFC 6455 §8.1
	for _, refusal := range utf8Refusals {
		for _, before := range []string{"", "жё", strings.Repeat("日本語 ", 30)} {
			payload := before + refusal.text + strings.Repeat("ж", 40)
			c := decoderCase{
				name:   fmt.Sprintf("%s after %d bytes", refusal.name, len(before)),
				frames: []sent{{op: OpBinary, payload: "\xff"}, {op: OpText, payload: payload}},
				want:   []event{{OpBinary, "\xff"}},
				code:   InvalidPayload, at: place{frame: 1, payload: len(before + refusal.text)},
			}
			c.run(t)
		}
	}
}

func TestDecoderRefusesTextAcrossFragments(t *testing.T) { // RFC 6455 §8.1
	for _, refusal := range utf8Refusals {
		for i := range len(refusal.text) { // the last byte, which is the impossible one, comes in the third fragment
			last := refusal.text[i:]
			c := decoderCase{
				name: fmt.Sprintf("%s cut at %d", refusal.name, i),
				frames: []sent{
					{op: OpText, payload: "ж", form: more}, {payload: refusal.text[:i], form: more},
					{op: OpPing}, {payload: last + "and more", form: more}, {payload: "\xff"},
				},
				want: []event{{OpPing, ""}},
				code: InvalidPayload, at: place{frame: 3, payload: len(last)},
			}
			c.run(t)
		}
	}
}

func TestDecoderRefusesTextThatEndsWithinACharacter(t *testing.T) { // RFC 6455 §8.1
	for _, end := range []string{"\xd0", "\xe2", "\xe2\x82", "\xf0", "\xf0\x9f", "\xf0\x9f\x99"} {
		for _, before := range []string{"", "ok ж", strings.Repeat("long enough to reach the vector code ", 10)} {
			text, n := before+end, len(before+end)
			name := fmt.Sprintf("%x after %d bytes, ", end, len(before))
			runDecoderCases(t, []decoderCase{
				{name: name + "one frame", frames: []sent{{op: OpText, payload: text}, {op: OpText, payload: "\x80"}},
					code: InvalidPayload, at: place{payload: n}},
				{name: name + "two frames", frames: []sent{{op: OpText, form: more, payload: before}, {payload: end}},
					code: InvalidPayload, at: place{frame: 1, payload: len(end)}},
				{name: name + "empty last frame", frames: []sent{{op: OpText, form: more, payload: text}, {}},
					code: InvalidPayload, at: place{frame: 1}},
			})
		}
	}
}

func TestDecoderBeginsEveryTextAnew(t *testing.T) {
	runDecoderCases(t, []decoderCase{
		{name: "binary is not judged", frames: []sent{
			{op: OpBinary, payload: "\xff\xd0", form: more}, {payload: "\xff"}, {op: OpPing, payload: "\xff"},
			{op: OpText, payload: "ж", form: more}, {payload: "ж"}, {op: OpText, payload: "ж"},
		}, want: []event{{OpBinary, "\xff\xd0\xff"}, {OpPing, "\xff"}, {OpText, "жж"}, {OpText, "ж"}}},
		{name: "a continuation byte does not reach back over messages", frames: []sent{
			{op: OpBinary, payload: "\xd0"}, {op: OpText, payload: "\xb6"},
		}, want: []event{{OpBinary, "\xd0"}}, code: InvalidPayload, at: place{frame: 1, payload: 1}},
	})
}
