package molva_test

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/wire"
)

// framingCases are messages at the lengths where the header changes its form (RFC 6455 §5.2).
func framingCases() []testCase {
	var cases []testCase
	for _, length := range []int{0, 1, 125, 126, 127, 128, 65535, 65536} {
		for _, message := range []frame{textFrame(strings.Repeat("*", length)), binaryFrame(bytes.Repeat([]byte{0xFE}, length))} {
			c := echoed(fmt.Sprintf("%v of %d bytes", message.op, length), message)
			cases = append(cases, c, c.chunked("997 bytes at a time", 997))
			if length < 65535 || !raceDetector {
				cases = append(cases, c.chunked("a byte at a time", 1))
			}
		}
	}
	ten := make([]frame, 10)
	for i := range ten {
		ten[i] = textFrame(fmt.Sprintf("message %d", i))
	}
	mixed := []frame{
		textFrame("short"), binaryFrame(make([]byte, 65536)), textFrame(""), binaryFrame([]byte{0}), textFrame("last"),
	}
	together := testCase{name: "ten messages in one write", send: ten, want: ten}
	return append(cases,
		together,
		together.chunked("a byte at a time", 1),
		together.chunked("7 bytes at a time", 7),
		testCase{name: "messages of all sizes in one write", send: mixed, want: mixed},
		testCase{name: "with the opening handshake in one write", config: config{early: ten}, want: ten},
		testCase{
			name:   "half a frame with the opening handshake",
			config: config{early: mixed, earlyBytes: 40000},
			want:   mixed,
		},
	)
}

// maskingCases: clients mask, servers do not, and who does otherwise is refused at once (RFC 6455 §5.1).
func maskingCases() []testCase {
	var cases []testCase
	for _, f := range []frame{
		textFrame("hello"), binaryFrame([]byte("hello")), textFrame(""), pingFrame("hello"), pongFrame(""), closeFrame(1000, ""),
	} {
		name := fmt.Sprintf("%v of %d bytes", f.op, len(f.payload))
		wrong := f
		wrong.mismasked = true
		after := refused(name+" after a good message", wire.ProtocolError, textFrame("good"), wrong)
		after.want = []frame{textFrame("good")}
		cases = append(cases, refused(name, wire.ProtocolError, wrong), after)
	}
	second := continuationFrame("world")
	second.mismasked = true
	return append(cases, refused("second fragment", wire.ProtocolError, textFrame("hello ").unfinished(), second))
}

// lengthCases are lengths that are not in their shortest form or out of range (RFC 6455 §5.2).
func lengthCases() []testCase {
	long := func(length, size int) frame {
		f := binaryFrame(make([]byte, length))
		f.lengthSize = size
		return f
	}
	var cases []testCase
	for _, length := range []int{0, 1, 125} {
		cases = append(cases, refused(fmt.Sprintf("%d in two bytes", length), wire.ProtocolError, long(length, 2)))
	}
	for _, length := range []int{0, 125, 126, 65535} {
		cases = append(cases, refused(fmt.Sprintf("%d in eight bytes", length), wire.ProtocolError, long(length, 8)))
	}
	unlimited := config{limits: molva.Limits{Message: -1, Frame: -1}}
	for _, length := range []uint64{1 << 63, 1<<63 + 5, 1<<64 - 1} {
		f := binaryFrame(nil)
		f.declares = length
		topBit := refused(fmt.Sprintf("top bit set, %#x", length), wire.ProtocolError, f)
		topBit.config = unlimited
		cases = append(cases, topBit)
	}
	for _, op := range []wire.Opcode{wire.OpPing, wire.OpPong, wire.OpClose} {
		f := frame{op: op, payload: make([]byte, 16), lengthSize: 2}
		cases = append(cases, refused(fmt.Sprintf("%v with its length in two bytes", op), wire.ProtocolError, f))
	}
	return cases
}
