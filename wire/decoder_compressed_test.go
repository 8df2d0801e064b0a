package wire

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// deflated compresses messages of one connection.
func deflated(t testing.TB, messages ...string) (payloads []string) {
	var plain [][]byte
	for _, message := range messages {
		plain = append(plain, []byte(message))
	}
	for _, payload := range compressAll(t, 15, true, plain) {
		payloads = append(payloads, string(payload))
	}
	return payloads
}

// withTakeover makes an inflater that reads what deflated makes.
func withTakeover() *Inflater { return NewInflater(15, true) }

// fragments cuts a compressed message into n frames, RSV1 on the first alone (RFC 7692 §6.1).
func fragments(op Opcode, payload string, n int) (frames []sent) {
	for i := range n {
		s := sent{payload: payload[i*len(payload)/n : (i+1)*len(payload)/n], form: more}
		if i == 0 {
			s.op, s.form = op, more|rsv1
		}
		if i == n-1 {
			s.form &^= more
		}
		frames = append(frames, s)
	}
	return frames
}

func TestDecoderInflatesWithEveryWindow(t *testing.T) { // RFC 7692 §7.1
	messages := [][]byte{sampleText(80), nil, sampleJSON(120), sampleText(80), sampleRandom(20)}
	eachDeflateConfig(t, func(t *testing.T, bits int, takeover bool) {
		c := decoderCase{name: "messages", inflate: func() *Inflater { return NewInflater(bits, takeover) }}
		for i, payload := range compressAll(t, bits, takeover, messages) {
			op := OpText
			if i == len(messages)-1 {
				op = OpBinary
			}
			c.frames = append(c.frames, fragments(op, string(payload), i%3+1)...)
			c.want = append(c.want, event{op, string(messages[i])})
		}
		c.run(t)
	})
}

func TestDecoderReadsTheExamplesOfTheCompressionRFC(t *testing.T) { // RFC 7692 §7.2.3
	for _, c := range []struct {
		name, wire string
		want       []event
	}{
		{"7.2.3.1 one block", "\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00", []event{{OpText, "Hello"}}},
		{"7.2.3.1 two fragments", "\x41\x03\xf2\x48\xcd\x80\x04\xc9\xc9\x07\x00", []event{{OpText, "Hello"}}},
		{"7.2.3.2 sharing the window", "\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\xc1\x05\xf2\x00\x11\x00\x00",
			[]event{{OpText, "Hello"}, {OpText, "Hello"}}},
		{"7.2.3.3 no compression", "\xc1\x0b\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", []event{{OpText, "Hello"}}},
		{"7.2.3.4 final block", "\xc1\x08\xf3\x48\xcd\xc9\xc9\x07\x00\x00", []event{{OpText, "Hello"}}},
		{"7.2.3.5 two blocks", "\xc1\x0d\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", []event{{OpText, "Hello"}}},
		{"7.2.3.6 empty", "\xc1\x01\x00", []event{{OpText, ""}}},
		{"empty payload", "\xc1\x00", []event{{OpText, ""}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			receiver{role: Client, inflate: withTakeover}.check(t, []byte(c.wire), c.want, 0, 0)
		})
	}
}

func TestDecoderMixesCompressedMessagesWithOthers(t *testing.T) { // RFC 7692 §6
	hello := deflated(t, "Hello, hello, hello", "hello again, hello")
	first := fragments(OpText, hello[0], 3)
	runDecoderCases(t, []decoderCase{
		{name: "control frames between fragments", inflate: withTakeover,
			frames: []sent{first[0], {op: OpPing, payload: "p"}, first[1], {op: OpPong}, first[2]},
			want:   []event{{OpPing, "p"}, {OpPong, ""}, {OpText, "Hello, hello, hello"}}},
		{name: "plain messages between", inflate: withTakeover,
			frames: append(fragments(OpText, hello[0], 1), sent{op: OpText, payload: "plain", form: more}, sent{payload: "ж"},
				sent{op: OpBinary, payload: hello[1], form: rsv1}),
			want: []event{{OpText, "Hello, hello, hello"}, {OpText, "plainж"}, {OpBinary, "hello again, hello"}}},
		{name: "plain text is judged at once", inflate: withTakeover,
			frames: append(fragments(OpText, hello[0], 2), sent{op: OpText, payload: "plain\xffish"}),
			want:   []event{{OpText, "Hello, hello, hello"}}, code: InvalidPayload, at: place{frame: 2, payload: 6}},
		{name: "empty fragments", inflate: withTakeover,
			frames: []sent{{op: OpText, form: rsv1 | more}, {form: more}, {payload: hello[0], form: more}, {}},
			want:   []event{{OpText, "Hello, hello, hello"}}},
		{name: "RSV1 again on the continuation", inflate: withTakeover,
			frames: []sent{first[0], {payload: first[1].payload, form: rsv1}},
			code:   ProtocolError, at: place{frame: 1, header: 1}},
	})
}

func TestDecoderJudgesInflatedText(t *testing.T) { // RFC 7692 §6.2
	for _, refusal := range utf8Refusals {
		text := "ж" + refusal.text + "ok"
		payload := deflated(t, text)[0]
		runDecoderCases(t, []decoderCase{
			{name: refusal.name, inflate: withTakeover, frames: fragments(OpText, payload, 2),
				code: InvalidPayload, at: place{frame: 1, payload: len(payload) - len(payload)/2}},
			{name: refusal.name + " in binary", inflate: withTakeover, frames: fragments(OpBinary, payload, 2),
				want: []event{{OpBinary, text}}},
		})
	}
	half := deflated(t, "ends within \xe2\x82")[0]
	c := decoderCase{name: "unfinished character", inflate: withTakeover, frames: fragments(OpText, half, 1),
		code: InvalidPayload, at: place{payload: len(half)}}
	c.run(t)
}

func TestDecoderRefusesDamagedCompressedData(t *testing.T) { // RFC 7692 §7.2.2
	for name, payload := range map[string]string{
		"reserved type of block":    "\x06\x00",
		"stored length that lies":   "\x00\x05\x00\x05\x00Hello\x00",
		"match before the start":    "\xf2\x00\x11\x00\x00",
		"ends within a block":       "\xf2\x48\xcd",
		"ends within a stored one":  "\x00\x05\x00\xfa\xffHel",
		"text that is no such data": "Hello, hello, hello",
	} {
		c := decoderCase{name: name, inflate: withDeflate, frames: []sent{{op: OpBinary, payload: payload, form: rsv1}},
			code: InvalidPayload, at: place{payload: len(payload)}}
		c.run(t)
	}
	d := NewDecoder(Client, nil, withDeflate())
	_, _, err := d.Next([]byte("\xc1\x02\x06\x00"))
	if !errors.Is(err, ErrInflate) {
		t.Errorf("the cause is hidden: %v", err)
	}
}

func TestDecoderLimitsInflatedMessages(t *testing.T) {
	text := strings.Repeat("hello ", 100)
	payload := deflated(t, text)[0]
	at := place{payload: len(payload)}
	stored := "\x00\x0a\x00\xf5\xff0123456789\x00" // ten bytes that are longer as they travel
	runDecoderCases(t, []decoderCase{
		{name: "at the limit", limits: &Limits{Message: 600}, inflate: withDeflate, frames: fragments(OpText, payload, 1),
			want: []event{{OpText, text}}},
		{name: "over it", limits: &Limits{Message: 599}, inflate: withDeflate, frames: fragments(OpText, payload, 1),
			code: MessageTooBig, at: at},
		{name: "far over it", limits: &Limits{Message: 1}, inflate: withDeflate, frames: fragments(OpText, payload, 1),
			code: MessageTooBig, at: at},
		{name: "too long as it travels", limits: &Limits{Message: 10}, inflate: withDeflate,
			frames: []sent{{op: OpText, declared: 10 + 10>>3 + 64 + 1, form: rsv1}}, code: MessageTooBig, at: place{}},
		{name: "longer as it travels", limits: &Limits{Message: 10}, inflate: withDeflate,
			frames: fragments(OpText, stored, 1), want: []event{{OpText, "0123456789"}}},
		{name: "the next one that is not compressed", limits: &Limits{Message: 10}, inflate: withDeflate,
			frames: append(fragments(OpText, stored, 1), sent{op: OpText, payload: "0123456789a"}),
			want:   []event{{OpText, "0123456789"}}, code: MessageTooBig, at: place{frame: 1}},
		{name: "none", limits: &Limits{Message: -1}, inflate: withDeflate, frames: fragments(OpText, payload, 2),
			want: []event{{OpText, text}}},
	})
}

// The fixed Huffman code takes nine bits for the bytes from 0x90 on, so it makes a message longer by an eighth.
func TestDecoderTakesAMessageAtTheLimitInTheLongestCode(t *testing.T) {
	const size = 1 << 16
	payload, code, bits := make([]byte, 0, size+size/8+8), uint64(0b010), 3 // one block of the fixed code, not final
	for range size {
		code |= 0b1_1111_1111 << bits // the byte 0xFF is nine ones
		for bits += 9; bits >= 8; bits -= 8 {
			payload = append(payload, byte(code))
			code >>= 8
		}
	}
	bits += 7 + 3 // the end of the block is seven zeros, a stored block three
	for ; bits > 0; bits -= 8 {
		payload = append(payload, byte(code))
		code >>= 8
	}
	d := NewDecoder(Client, &Limits{Message: size}, withDeflate())
	defer d.Release()
	ev, _, err := d.Next(sent{op: OpBinary, payload: string(payload), form: rsv1}.append(nil, Client))
	if err != nil || !bytes.Equal(ev.Payload, bytes.Repeat([]byte{0xFF}, size)) {
		t.Errorf("%d bytes, %v", len(ev.Payload), err)
	}
}
