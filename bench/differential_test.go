package bench

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/molva-ws/molva/wire"
)

// verdict is what an implementation makes of a stream of bytes.
type verdict struct {
	events []string // messages and control frames, in order
	code   int      // the close code the stream is to be refused with, 0 if it is right so far
	open   bool     // the stream ends where it may be judged sooner or later
}

// unlimited has both sides judge by the protocol alone.
var unlimited = &wire.Limits{Message: -1, Frame: -1, Fragments: -1}

// FuzzDifferential has molva and gobwas/ws read the same stream, molva in pieces
// of a few bytes. They have to see the same messages, and refuse with the same
// code at the same place.
func FuzzDifferential(f *testing.F) {
	for _, stream := range seeds() {
		f.Add(stream, false, uint8(0))
		f.Add(stream, false, uint8(1))
		f.Add(stream, true, uint8(3))
	}
	f.Fuzz(func(t *testing.T, stream []byte, client bool, piece uint8) {
		want := readGobwas(stream, client)
		got := readMolva(bytes.Clone(stream), client, int(piece))
		if !slices.Equal(got.events, want.events) {
			t.Fatalf("molva saw %v\ngobwas saw %v", got.events, want.events)
		}
		if got.code != want.code && !want.open {
			t.Fatalf("after %v molva says %d, gobwas %d", got.events, got.code, want.code)
		}
	})
}

// seeds are streams of a client, masked with zeros so that they can be read.
func seeds() [][]byte {
	frame := func(first byte, payload string) string {
		return string(ws.MustCompileFrame(ws.Frame{
			Header: ws.Header{
				Fin: first&0x80 != 0, Rsv: first >> 4 & 7, OpCode: ws.OpCode(first & 15),
				Masked: true, Length: int64(len(payload)),
			},
			Payload: []byte(payload),
		}))
	}
	const (
		text, binary, closing, ping, pong = 0x81, 0x82, 0x88, 0x89, 0x8a
		begin, middle, end                = 0x01, 0x00, 0x80
	)
	var all [][]byte
	for _, s := range []string{
		"",
		frame(text, "") + frame(binary, "\xff") + frame(pong, "unasked"),
		frame(text, "привет, 世界 \U0001f600") + frame(closing, "\x03\xe8bye") + frame(text, "too late"),
		frame(begin, "cut \xd0") + frame(ping, "between") + frame(middle, "") + frame(end, "\xb0"),
		frame(begin, "\xf0\x9f") + frame(end, "\x98"),
		frame(begin, "bad \xed\xa0") + frame(ping, "not seen"),
		frame(begin, "one") + frame(text, "two"),
		frame(end, "of nothing"),
		frame(text|0x40, "reserved bit"),
		frame(0x83, "reserved opcode"),
		frame(0x09, "fragmented ping"),
		frame(ping, string(make([]byte, 126))),
		frame(closing, "\x03"),
		frame(closing, "\x03\xed"),
		frame(closing, "\x0b\xb8\xff"),
		frame(closing, "\x13\x88"),
		frame(binary, string(make([]byte, 126))),
		"\x82\xff\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00cut short",
		"\x82\xfe\x00\x05\x00\x00\x00\x00short",
		"\x82\xff\x80\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00short",
		"\x82\x05plain" + frame(text, "not seen"),
	} {
		all = append(all, []byte(s))
	}
	return all
}

func eventOf(opcode byte, payload []byte) string { return fmt.Sprintf("%x %x", opcode, payload) }

// readMolva feeds the stream in pieces; 0 means at once.
func readMolva(stream []byte, client bool, piece int) (v verdict) {
	role := wire.Server
	if client {
		role = wire.Client
	}
	if piece == 0 {
		piece = max(len(stream), 1)
	}
	d := wire.NewDecoder(role, unlimited, nil)
	defer d.Release()
	for chunk := range slices.Chunk(stream, piece) {
		for {
			event, rest, err := d.Next(chunk)
			var broken *wire.Error
			if errors.As(err, &broken) {
				v.code = int(broken.Code)
				return v
			}
			if event.Op == 0 {
				break
			}
			v.events = append(v.events, eventOf(byte(event.Op), event.Payload))
			chunk = rest
		}
	}
	return v
}

// gobwas reads with the functions of gobwas/ws, which judge headers, close
// frames and UTF-8; the order of frames and the points it leaves to its caller
// are made up for here.
type gobwas struct {
	r       *bytes.Reader
	state   ws.State
	utf8    wsutil.UTF8Reader
	message []byte
	opcode  ws.OpCode
}

func readGobwas(stream []byte, client bool) (v verdict) {
	g := &gobwas{r: bytes.NewReader(stream), state: ws.StateServerSide}
	if client {
		g.state = ws.StateClientSide
	}
	for v.code == 0 && !v.open && g.r.Len() > 0 {
		before := g.r.Len()
		h, err := ws.ReadHeader(g.r)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			v.open = true
		case err != nil, ws.CheckHeader(h, g.state) != nil, before-g.r.Len() != ws.HeaderSize(h):
			v.code = int(ws.StatusProtocolError) // the last: a length not in its shortest form
		case h.OpCode.IsControl():
			if g.control(h, &v) {
				return v
			}
		default:
			g.data(h, &v)
		}
	}
	return v
}

// payload reads what there is of a frame's payload.
func (g *gobwas) payload(h ws.Header) (b []byte, whole bool) {
	b, _ = io.ReadAll(io.LimitReader(g.r, h.Length))
	if h.Masked {
		ws.Cipher(b, h.Mask, 0)
	}
	return b, int64(len(b)) == h.Length
}

// control answers whether the stream ends with this frame.
func (g *gobwas) control(h ws.Header, v *verdict) (closed bool) {
	payload, whole := g.payload(h)
	if !whole {
		v.open = true
		return false
	}
	if h.OpCode == ws.OpClose {
		if v.code = closeVerdict(payload); v.code != 0 {
			return true
		}
	}
	v.events = append(v.events, eventOf(byte(h.OpCode), payload))
	return h.OpCode == ws.OpClose
}

// closeVerdict adds what the registry has gained since gobwas/ws was written,
// 1012 to 1014, and the numbers above 4999, which it lets through.
func closeVerdict(payload []byte) int {
	if len(payload) == 0 {
		return 0
	}
	code, reason := ws.ParseCloseFrameData(payload)
	if code >= 1012 && code <= 1014 {
		code = ws.StatusNormalClosure
	}
	err := ws.CheckCloseFrameData(code, reason)
	switch {
	case errors.Is(err, ws.ErrProtocolInvalidUTF8) && code <= 4999:
		return int(ws.StatusInvalidFramePayloadData)
	case err != nil, code > 4999:
		return int(ws.StatusProtocolError)
	}
	return 0
}

func (g *gobwas) data(h ws.Header, v *verdict) {
	if h.OpCode != ws.OpContinuation {
		g.opcode, g.message = h.OpCode, nil
		g.utf8.Reset(nil)
	}
	payload, whole := g.payload(h)
	g.message = append(g.message, payload...)
	last := whole && h.Fin
	if g.opcode == ws.OpText && !g.validText(payload, last) {
		v.code = int(ws.StatusInvalidFramePayloadData)
		return
	}
	g.state = g.state.Set(ws.StateFragmented)
	if last {
		g.state = g.state.Clear(ws.StateFragmented)
		v.events = append(v.events, eventOf(byte(g.opcode), g.message))
	}
}

func (g *gobwas) validText(payload []byte, last bool) bool {
	g.utf8.Source = bytes.NewReader(payload)
	if _, err := io.Copy(io.Discard, &g.utf8); err != nil {
		return false
	}
	return !last || g.utf8.Valid()
}
