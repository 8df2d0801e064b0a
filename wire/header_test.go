package wire

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"testing"
)

// headers are header bytes and what they say (RFC 6455 §5.2).
var headers = []struct {
	wire string
	want Header
}{
	{"\x81\x00", Header{Fin: true, Opcode: OpText}},
	{"\x01\x00", Header{Opcode: OpText}},
	{"\x00\x00", Header{Opcode: OpContinuation}},
	{"\xc2\x05", Header{Fin: true, RSV1: true, Opcode: OpBinary, Length: 5}},
	{"\xa2\x05", Header{Fin: true, RSV2: true, Opcode: OpBinary, Length: 5}},
	{"\x92\x05", Header{Fin: true, RSV3: true, Opcode: OpBinary, Length: 5}},
	{"\x88\x02", Header{Fin: true, Opcode: OpClose, Length: 2}},
	{"\x89\x7d", Header{Fin: true, Opcode: OpPing, Length: 125}},
	{"\x8a\x80\x37\xfa\x21\x3d", Header{Fin: true, Opcode: OpPong, Masked: true, Key: 0x3d21fa37}},
	{"\x82\x7d", Header{Fin: true, Opcode: OpBinary, Length: 125}},
	{"\x82\x7e\x00\x7e", Header{Fin: true, Opcode: OpBinary, Length: 126}},
	{"\x82\x7e\x00\x7f", Header{Fin: true, Opcode: OpBinary, Length: 127}},
	{"\x82\x7e\x01\x00", Header{Fin: true, Opcode: OpBinary, Length: 256}},
	{"\x82\x7e\xff\xff", Header{Fin: true, Opcode: OpBinary, Length: 65535}},
	{"\x82\xfe\xff\xff\x01\x02\x03\x04", Header{Fin: true, Opcode: OpBinary, Length: 65535, Masked: true, Key: 0x04030201}},
	{"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00", Header{Fin: true, Opcode: OpBinary, Length: 65536}},
	{"\x82\xff\x00\x00\x00\x00\x00\x01\x00\x00\x01\x02\x03\x04",
		Header{Fin: true, Opcode: OpBinary, Length: 65536, Masked: true, Key: 0x04030201}},
	{"\x02\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", Header{Opcode: OpBinary, Length: math.MaxInt64}},
}

func TestParseHeaderReadsWhatAppendHeaderWrites(t *testing.T) {
	for _, c := range headers {
		t.Run(fmt.Sprintf("%x", c.wire), func(t *testing.T) {
			if got := AppendHeader([]byte("before"), c.want); string(got) != "before"+c.wire {
				t.Errorf("wrote %x", got)
			}
			for n := range len(c.wire) {
				if _, size, err := ParseHeader([]byte(c.wire[:n])); size != 0 || err != nil {
					t.Errorf("%d bytes: size %d, %v", n, size, err)
				}
			}
			for _, behind := range []string{"", "\xff", "\x00payload and the next frame"} {
				got, size, err := ParseHeader([]byte(c.wire + behind))
				if got != c.want || size != len(c.wire) || err != nil {
					t.Errorf("read %+v, size %d, %v", got, size, err)
				}
			}
		})
	}
}

func TestParseHeaderRefusesAtTheByteThatDecides(t *testing.T) { // RFC 6455 §5.2, §5.5
	for _, c := range []struct {
		name, wire string
		at         int // bytes
	}{
		{"reserved opcode 3", "\x83\x00", 1},
		{"reserved opcode 7", "\x07\x00", 1},
		{"reserved control opcode B", "\x8b\x00", 1},
		{"reserved control opcode F", "\x8f\x00", 1},
		{"fragmented close", "\x08\x00", 1},
		{"fragmented ping", "\x09\x00", 1},
		{"fragmented pong", "\x0a\x00", 1},
		{"ping of 126", "\x89\x7e\x00\x7e", 2},
		{"ping in 64 bits", "\x89\x7f\x00\x00\x00\x00\x00\x00\x00\x01", 2},
		{"masked close of 126", "\x88\xfe\x00\x7e", 2},
		{"0 in 16 bits", "\x82\x7e\x00\x00", 4},
		{"125 in 16 bits", "\x82\xfe\x00\x7d", 4},
		{"0 in 64 bits", "\x82\x7f\x00\x00\x00\x00\x00\x00\x00\x00", 8},
		{"65535 in 64 bits", "\x82\xff\x00\x00\x00\x00\x00\x00\xff\xff", 8},
		{"top bit", "\x82\x7f\x80\x00\x00\x00\x00\x01\x00\x00", 3},
		{"all bits", "\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff", 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			for n := range len(c.wire) + 1 {
				_, size, err := ParseHeader([]byte(c.wire[:n]))
				var failure *Error
				if errors.As(err, &failure) != (n >= c.at) || size != 0 {
					t.Errorf("%d bytes: size %d, %v, want an error from %d on", n, size, err, c.at)
				}
				if failure != nil && failure.Code != ProtocolError {
					t.Errorf("%v", failure)
				}
			}
		})
	}
}

func TestAppendHeaderWritesNegativeLengthsWithTheTopBit(t *testing.T) {
	want := []byte("\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff")
	if got := AppendHeader(nil, Header{Fin: true, Opcode: OpBinary, Length: -1}); !bytes.Equal(got, want) {
		t.Errorf("%x", got)
	}
}

func TestOpcodes(t *testing.T) { // RFC 6455 §11.8
	known := map[Opcode]string{
		OpContinuation: "continuation", OpText: "text", OpBinary: "binary", OpClose: "close", OpPing: "ping", OpPong: "pong",
	}
	for op := range Opcode(16) {
		want, ok := known[op]
		if !ok {
			want = fmt.Sprintf("reserved opcode %d", op)
		}
		if op.String() != want || op.IsReserved() == ok || op.IsControl() != (op >= 8) {
			t.Errorf("%X: %v, reserved %t, control %t", byte(op), op, op.IsReserved(), op.IsControl())
		}
	}
}

func TestRolesHaveNames(t *testing.T) {
	if Server.String() != "server" || Client.String() != "client" {
		t.Errorf("%v, %v", Server, Client)
	}
}

// FuzzHeaderRoundTrip reads any bytes. A header that can be read is the only way to write it, and every part of it is
// a beginning.
func FuzzHeaderRoundTrip(f *testing.F) {
	for _, c := range headers {
		f.Add([]byte(c.wire))
	}
	f.Add([]byte("\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff"))
	f.Fuzz(func(t *testing.T, p []byte) {
		h, size, err := ParseHeader(p)
		if size < 0 || size > min(len(p), MaxHeaderSize) || err != nil && size != 0 || h.Length < 0 {
			t.Fatalf("size %d of %d, length %d, %v", size, len(p), h.Length, err)
		}
		if err == nil && size == 0 && len(p) >= MaxHeaderSize {
			t.Fatal("it wants more than the longest header has")
		}
		if size == 0 {
			return
		}
		if again := AppendHeader(nil, h); !bytes.Equal(again, p[:size]) {
			t.Fatalf("%x became %x", p[:size], again)
		}
		for n := range size {
			if _, size, err := ParseHeader(p[:n]); size != 0 || err != nil {
				t.Fatalf("%d bytes: size %d, %v", n, size, err)
			}
		}
	})
}

func BenchmarkParseHeader(b *testing.B) {
	for _, length := range []int64{100, 1000, 100000} {
		p := AppendHeader(nil, Header{Fin: true, Opcode: OpText, Masked: true, Key: testKey, Length: length})
		b.Run(fmt.Sprintf("%dB", len(p)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := ParseHeader(p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestFirstBytePacksAsHeaderDoes(t *testing.T) {
	for _, length := range []int{0, 1, 125, 126, 127, 0xFFFF, 0x10000, 1 << 30} {
		for _, rsv1 := range []bool{false, true} {
			h := Header{Fin: true, RSV1: rsv1, Opcode: OpBinary, Length: int64(length)}
			first := Fin | FirstByte(OpBinary)
			if rsv1 {
				first |= RSV1
			}
			if got, want := first.Pack(length), h.Pack(); got != want {
				t.Errorf("%d bytes: %x, want %x", length, got, want)
			}
			h.Masked, h.Key = true, 0x44332211
			if got, want := first.PackMasked(length, h.Key), h.Pack(); got != want {
				t.Errorf("%d bytes, masked: %x, want %x", length, got, want)
			}
			if parsed, size, err := ParseHeader(AppendHeader(nil, h)); err != nil || parsed != h || size != h.Pack().Size {
				t.Errorf("%d bytes: parsed as %+v of %d bytes, %v", length, parsed, size, err)
			}
		}
	}
}
