package molva_test

import (
	"bytes"
	"fmt"

	"github.com/molva-ws/molva/wire"
)

// fragmentationCases are messages in several frames, right and wrong (RFC 6455 §5.4).
func fragmentationCases() []testCase {
	var cases []testCase
	for _, c := range append(wholeFragmentCases(), brokenFragmentCases()...) {
		cases = append(cases, c, c.chunked("a byte at a time", 1))
	}
	// What is behind a close frame has to come with it: a server may be gone when it comes later.
	between := testCase{name: "close between", code: wire.NormalClosure, send: []frame{
		textFrame("fragment1").unfinished(), closeFrame(1000, ""), continuationFrame("fragment2"),
	}}
	return append(append(cases, between), cutCases()...)
}

func wholeFragmentCases() []testCase {
	message := textFrame("fragment1fragment2")
	first, last := textFrame("fragment1").unfinished(), continuationFrame("fragment2")
	empty := continuationFrame("").unfinished()
	return []testCase{
		echoed("two fragments", message, first, last),
		echoed("empty fragments only", textFrame(""), textFrame("").unfinished(), empty, continuationFrame("")),
		echoed("empty first fragment", message, textFrame("").unfinished(), continuationFrame("fragment1fragment2")),
		echoed("empty middle fragments", message, first, empty, empty, last),
		echoed("empty last fragment", message, textFrame("fragment1fragment2").unfinished(), continuationFrame("")),
		echoed("pong between", message, first, pongFrame("unasked"), last),
		{
			name: "ping between",
			send: []frame{first, pingFrame("ping"), last},
			want: []frame{pongFrame("ping"), message},
		},
		{
			name: "pings between all",
			send: []frame{first, pingFrame("1"), empty, pingFrame("2"), empty, pingFrame(""), last, pingFrame("3")},
			want: []frame{pongFrame("1"), pongFrame("2"), pongFrame(""), message, pongFrame("3")},
		},
		{
			name: "one message after another",
			send: []frame{first, last, binaryFrame([]byte{1}).unfinished(), continuationFrame("\xff"), first, last},
			want: []frame{message, binaryFrame([]byte{1, 0xFF}), message},
		},
	}
}

func brokenFragmentCases() []testCase {
	message := textFrame("hello")
	first, last := textFrame("fragment1").unfinished(), continuationFrame("fragment2")
	afterMessage := func(c testCase) testCase {
		c.send = append([]frame{message}, c.send...)
		c.want = []frame{message}
		c.name += " after a good message"
		return c
	}
	start := refused("continuation without a start", wire.ProtocolError, last, message)
	open := refused("unfinished continuation without a start", wire.ProtocolError, last.unfinished(), message)
	again := refused("continuation after the last fragment", wire.ProtocolError, first, last, last)
	again.want = []frame{textFrame("fragment1fragment2")}
	return []testCase{
		start, afterMessage(start),
		open, afterMessage(open),
		again,
		refused("text within text", wire.ProtocolError, first, message),
		refused("unfinished text within text", wire.ProtocolError, first, first),
		refused("binary within text", wire.ProtocolError, first, binaryFrame([]byte("hello"))),
		refused("text within binary", wire.ProtocolError, binaryFrame(nil).unfinished(), message),
		refused("unfinished ping", wire.ProtocolError, pingFrame("ping").unfinished(), continuationFrame("")),
		refused("unfinished pong", wire.ProtocolError, pongFrame("pong").unfinished(), continuationFrame("")),
		refused("unfinished close", wire.ProtocolError, closeFrame(1000, "").unfinished()),
		refused("unfinished ping within a message", wire.ProtocolError, first, pingFrame("").unfinished(), last),
	}
}

// cutCases are messages in fragments of all sizes, with a ping after each or none.
func cutCases() []testCase {
	var cases []testCase
	for _, message := range []frame{textFrame("Hello, κόσμε! Привет, мир."), binaryFrame(bytes.Repeat([]byte("\x00\xff"), 20))} {
		for _, size := range []int{1, 2, 3, 7, 20} {
			name := fmt.Sprintf("%v in fragments of %d bytes", message.op, size)
			cut := message.fragments(size)
			cases = append(cases, echoed(name, message, cut...))

			pinged := testCase{name: name + " with pings between"}
			for i, f := range cut {
				payload := fmt.Sprint(i)
				pinged.send = append(pinged.send, pingFrame(payload), f)
				pinged.want = append(pinged.want, pongFrame(payload))
			}
			pinged.want = append(pinged.want, message)
			cases = append(cases, pinged)
		}
	}
	return cases
}
