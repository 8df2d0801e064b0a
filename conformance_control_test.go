package molva_test

import (
	"fmt"
	"strings"

	"github.com/molva-ws/molva/wire"
)

// pingCases are pings, which a pong answers, and pongs, which nothing does (RFC 6455 §5.5.2, §5.5.3).
func pingCases() []testCase {
	var cases []testCase
	for _, payload := range []string{
		"", "hello", "\x00\xff\xfe\xfd\xfc\xfb\x00\xff", strings.Repeat("\xfe", 124), strings.Repeat("\xfe", 125),
	} {
		c := testCase{
			name: fmt.Sprintf("ping of %d bytes", len(payload)),
			send: []frame{pingFrame(payload)},
			want: []frame{pongFrame(payload)},
		}
		cases = append(cases, c, c.chunked("a byte at a time", 1))
	}
	var pings, pongs []frame
	for i := range 10 {
		payload := fmt.Sprintf("payload %d", i)
		pings, pongs = append(pings, pingFrame(payload)), append(pongs, pongFrame(payload))
	}
	ten := testCase{name: "ten pings", send: pings, want: pongs}
	message := textFrame("still here")
	return append(cases, ten, ten.chunked("a byte at a time", 1),
		refused("ping of 126 bytes", wire.ProtocolError, pingFrame(strings.Repeat("\xfe", 126))),
		refused("ping that declares 65536 bytes", wire.ProtocolError, frame{op: wire.OpPing, declares: 65536}),
		refused("pong of 126 bytes", wire.ProtocolError, pongFrame(strings.Repeat("\xfe", 126))),
		echoed("pong that nobody asked for", message, pongFrame("unasked"), message),
		echoed("empty pong that nobody asked for", message, pongFrame(""), message),
		echoed("pong of eight bytes that nobody asked for", message, pongFrame("\x00\x00\x00\x00\x00\x00\x00\x01"), message),
		testCase{
			name: "pongs, pings and messages",
			send: []frame{pongFrame("unasked"), pingFrame("a"), message, pongFrame("b"), pingFrame("c")},
			want: []frame{pongFrame("a"), message, pongFrame("c")},
		},
	)
}

// reservedBitCases are bits that no extension has given a meaning (RFC 6455 §5.2).
func reservedBitCases() []testCase {
	message := textFrame("small text")
	var cases []testCase
	for bits := byte(1); bits <= 7; bits++ {
		for _, f := range []frame{message, binaryFrame([]byte("data")), pingFrame("ping"), pongFrame(""), closeFrame(1000, "")} {
			f = f.reserved(bits)
			cases = append(cases, refused(fmt.Sprintf("%03b in %v", bits, f.op), wire.ProtocolError, f))
		}
		after := refused(fmt.Sprintf("%03b after a good message", bits), wire.ProtocolError,
			message, message.reserved(bits), pingFrame("too late"))
		after.want = []frame{message}
		cases = append(cases, after, after.chunked("a byte at a time", 1),
			refused(fmt.Sprintf("%03b in the second fragment", bits), wire.ProtocolError,
				message.unfinished(), continuationFrame("more").reserved(bits)))
	}
	return cases
}

// opcodeCases are opcodes that have no meaning (RFC 6455 §5.2).
func opcodeCases() []testCase {
	message := textFrame("hello")
	var cases []testCase
	for _, op := range []wire.Opcode{3, 4, 5, 6, 7, 11, 12, 13, 14, 15} {
		empty := frame{op: op}
		full := frame{op: op, payload: []byte("reserved")}
		after := refused(fmt.Sprintf("%d after a good message", op), wire.ProtocolError, message, full, pingFrame("too late"))
		after.want = []frame{message}
		cases = append(cases,
			refused(fmt.Sprintf("%d without payload", op), wire.ProtocolError, empty),
			refused(fmt.Sprintf("%d with payload", op), wire.ProtocolError, full),
			refused(fmt.Sprintf("%d within a message", op), wire.ProtocolError, message.unfinished(), empty),
			after, after.chunked("a byte at a time", 1))
	}
	return cases
}
