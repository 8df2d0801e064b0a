package molva_test

import (
	"fmt"
	"slices"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/wire"
)

// compressionFaultCases are the corners of permessage-deflate, right and wrong, with the library's own settings.
func compressionFaultCases() []testCase {
	cfg := config{
		compression: molva.Compression{Enabled: true},
		extensions:  "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
	}
	cases := slices.Concat(deflateExamples(), deflateBitCases(), damagedCases(), inflatedLimitCases())
	for i := range cases {
		cases[i].config = cfg
		if c := cases[i]; c.dialog == nil {
			cases = append(cases, c.chunked("a byte at a time", 1))
		}
	}
	return cases
}

// deflated is a text frame with compressed data.
func deflated(data string) frame { return textFrame(data).reserved(4) }

// hello is "Hello", compressed (RFC 7692 §7.2.3.1).
const hello = "\xf2\x48\xcd\xc9\xc9\x07\x00"

// deflateExamples has those of RFC 7692 §7.2.3. The answers are too short to be compressed.
func deflateExamples() []testCase {
	message := textFrame("Hello")
	return []testCase{
		echoed("one block", message, deflated(hello)),
		echoed("two fragments", message, deflated("\xf2\x48\xcd").unfinished(), continuationFrame("\xc9\xc9\x07\x00")),
		echoed("a fragment for each byte", message, deflated(hello).fragments(1)...),
		echoed("empty first fragment", message, deflated("").unfinished(), continuationFrame(hello)),
		echoed("empty last fragment", message, deflated(hello).unfinished(), continuationFrame("")),
		echoed("stored block", message, deflated("\x00\x05\x00\xfa\xffHello\x00")),
		echoed("final block", message, deflated("\xf3\x48\xcd\xc9\xc9\x07\x00\x00")),
		echoed("two blocks", message, deflated("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00")),
		echoed("empty message", textFrame(""), deflated("\x00")),
		echoed("not compressed at all", message),
		{name: "some compressed, some not",
			send: []frame{message, deflated(hello), message, deflated(hello)},
			want: []frame{message, message, message, message}},
	}
}

// deflateBitCases: only the first frame of a message may say that it is compressed (RFC 7692 §6).
func deflateBitCases() []testCase {
	var cases []testCase
	for _, bits := range []byte{1, 2, 3, 5, 6, 7} {
		name := fmt.Sprintf("reserved bits %03b", bits)
		cases = append(cases, refused(name, wire.ProtocolError, textFrame(hello).reserved(bits)))
	}
	for _, f := range []frame{pingFrame(hello), pongFrame(hello), closeFrame(1000, "")} {
		cases = append(cases, refused("compressed "+f.op.String(), wire.ProtocolError, f.reserved(4)))
	}
	second := continuationFrame(hello[3:])
	return append(cases,
		refused("bit on the second fragment, too", wire.ProtocolError, deflated(hello[:3]).unfinished(), second.reserved(4)),
		refused("bit on the second fragment only", wire.ProtocolError, textFrame("plain").unfinished(), second.reserved(4)),
		refused("bit on a continuation without a start", wire.ProtocolError, second.reserved(4)),
	)
}

// damagedCases are compressed data that is none, or that is not text.
func damagedCases() []testCase {
	var cases []testCase
	for name, data := range map[string]string{
		"nonsense":                        "\xff\xff\xff\xff",
		"reserved kind of block":          "\x06\x00",
		"stored block with a wrong check": "\x00\x05\x00\xfa\xfeHello\x00",
		"stored block cut short":          "\x00\x05\x00\xfa\xffHel",
		"cut short":                       hello[:3],
		"reference before the start":      "\x4a\x04\x12\x00\x00",
		"text that is not UTF-8":          "\x00\x02\x00\xfd\xff\xc0\x80\x00",
		"text that ends within a letter":  "\x00\x01\x00\xfe\xff\xd0\x00",
		"half of a surrogate pair":        "\x00\x03\x00\xfc\xff\xed\xa0\x80\x00",
	} {
		whole := refused(name, wire.InvalidPayload, deflated(data))
		after := refused(name+" after a good message", wire.InvalidPayload, deflated(hello), deflated(data))
		after.want = []frame{textFrame("Hello")}
		cases = append(cases, whole, after,
			refused(name+", in fragments", wire.InvalidPayload, deflated(data).fragments(1)...))
	}
	return cases
}

// inflatedLimitCases are messages that fit as they travel and are too big when inflated.
func inflatedLimitCases() []testCase {
	both := agreement{serverBits: 15, clientBits: 15}
	send := func(p *peer, size int) {
		codec := newCodec(both, p.role)
		defer codec.release()
		p.send(codec.compress(binaryFrame(make([]byte, size))))
	}
	bomb := func(name string, size int) testCase {
		return testCase{name: name, dialog: func(p *peer) {
			send(p, size)
			p.wantClose(wire.MessageTooBig)
		}}
	}
	return []testCase{
		bomb("a byte too many", 1<<20+1),
		bomb("bomb of 16 MiB", 16<<20),
		{name: "as many bytes as may be", dialog: func(p *peer) {
			send(p, 1<<20)
			newCodec(both, p.role).want(p, binaryFrame(make([]byte, 1<<20)))
			p.close()
		}},
		refused("frame too big even as it travels", wire.MessageTooBig, frame{op: wire.OpBinary, rsv: 4, declares: 2 << 20}),
	}
}
