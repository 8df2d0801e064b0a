package wire

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
)

func TestDecoderJudgesCloseCodes(t *testing.T) { // RFC 6455 §7.4
	for _, c := range closeCodes {
		payload := string(binary.BigEndian.AppendUint16(nil, uint16(c.code)))
		for _, reason := range []string{"", "because"} {
			decoded := decoderCase{
				name:   fmt.Sprintf("%d %q", c.code, reason),
				frames: []sent{{op: OpClose, payload: payload + reason}},
			}
			if c.sendable {
				decoded.want = []event{{OpClose, payload + reason}}
			} else {
				decoded.code, decoded.at = ProtocolError, place{payload: len(payload + reason)}
			}
			decoded.run(t)
		}
	}
}

func TestDecoderJudgesClosePayloads(t *testing.T) { // RFC 6455 §5.5.1
	longest := "\x03\xe8" + strings.Repeat("r", MaxReason)
	cases := []decoderCase{
		{name: "empty", frames: []sent{{op: OpClose}}, want: []event{{OpClose, ""}}},
		{name: "longest", frames: []sent{{op: OpClose, payload: longest}}, want: []event{{OpClose, longest}}},
		{name: "half a code", frames: []sent{{op: OpClose, payload: "\x03"}}, code: ProtocolError, at: place{header: 2}},
		{name: "unfinished character", frames: []sent{{op: OpClose, payload: "\x03\xe8\xe2\x82"}},
			code: InvalidPayload, at: place{payload: 4}},
		{name: "after a message", frames: []sent{{op: OpText, payload: "a"}, {op: OpClose}},
			want: []event{{OpText, "a"}, {OpClose, ""}}},
	}
	for _, refusal := range utf8Refusals {
		payload := "\x0f\xa0ok " + refusal.text
		cases = append(cases, decoderCase{
			name: refusal.name, frames: []sent{{op: OpPing}, {op: OpClose, payload: payload}},
			want: []event{{OpPing, ""}}, code: InvalidPayload, at: place{frame: 1, payload: len(payload)},
		})
	}
	runDecoderCases(t, cases)
}

func TestDecoderIgnoresWhatFollowsAClose(t *testing.T) { // RFC 6455 §1.4, §5.5.1
	closing := sent{op: OpClose, payload: "\x03\xe8bye"}
	want := []event{{OpClose, closing.payload}}
	runDecoderCases(t, []decoderCase{
		{name: "a message", frames: []sent{closing, {op: OpText, payload: "too late"}}, want: want},
		{name: "another close", frames: []sent{closing, closing}, want: want},
		{name: "what would be an error", frames: []sent{closing, {op: 0xF, form: rsv2}}, want: want},
		{name: "the rest of a message", frames: []sent{{op: OpText, payload: "a", form: more}, closing, {payload: "b"}},
			want: want},
	})
}
