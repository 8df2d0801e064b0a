package wire

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func TestAppendFrameWritesTheExamplesOfTheRFC(t *testing.T) { // RFC 6455 §5.7
	const key = 0x3d21fa37
	b256, b64K := strings.Repeat("b", 256), strings.Repeat("b", 65536)
	for _, c := range []struct {
		name, payload string
		header        Header
		want          string
	}{
		{"single unmasked text", "Hello", Header{Fin: true, Opcode: OpText}, "\x81\x05\x48\x65\x6c\x6c\x6f"},
		{"single masked text", "Hello", Header{Fin: true, Opcode: OpText, Masked: true, Key: key},
			"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"},
		{"first fragment", "Hel", Header{Opcode: OpText}, "\x01\x03\x48\x65\x6c"},
		{"last fragment", "lo", Header{Fin: true}, "\x80\x02\x6c\x6f"},
		{"unmasked ping", "Hello", Header{Fin: true, Opcode: OpPing}, "\x89\x05\x48\x65\x6c\x6c\x6f"},
		{"masked pong", "Hello", Header{Fin: true, Opcode: OpPong, Masked: true, Key: key},
			"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"},
		{"256 bytes", b256, Header{Fin: true, Opcode: OpBinary}, "\x82\x7e\x01\x00" + b256},
		{"64 KiB", b64K, Header{Fin: true, Opcode: OpBinary}, "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00" + b64K},
	} {
		t.Run(c.name, func(t *testing.T) {
			payload := []byte(c.payload)
			c.header.Length = 99 // AppendFrame knows better
			if got := AppendFrame([]byte("before"), c.header, payload); string(got) != "before"+c.want {
				t.Errorf("%.80x", got)
			}
			if string(payload) != c.payload {
				t.Error("the payload was changed")
			}
		})
	}
}

func TestAppendFrameTakesNoMoreThanTheSpaceThatIsThere(t *testing.T) {
	payload := sampleText(1000)
	for _, masked := range []bool{false, true} {
		header := Header{Fin: true, Opcode: OpText, Masked: masked, Key: testKey}
		dst := make([]byte, 0, MaxHeaderSize+len(payload))
		if allocated := testing.AllocsPerRun(10, func() { AppendFrame(dst, header, payload) }); allocated != 0 {
			t.Errorf("masked %t: %v allocations", masked, allocated)
		}
	}
}

// FuzzFrameRoundTrip sends a message in any fragments, with and without compression, from either role to the other.
func FuzzFrameRoundTrip(f *testing.F) {
	f.Add([]byte("Hello, hello, hello"), uint16(0), uint8(0), uint8(15), uint32(testKey))
	f.Add([]byte("привет, привет, привет"), uint16(0xFFFF), uint8(3), uint8(9), uint32(1))
	f.Add([]byte("not \xff UTF-8"), uint16(0x0F0F), uint8(2), uint8(0), uint32(7))
	f.Add([]byte{}, uint16(1), uint8(40), uint8(8), uint32(0))
	f.Fuzz(func(t *testing.T, message []byte, flags uint16, cuts, bits uint8, key uint32) {
		flag := func(i int) bool { return flags>>i&1 != 0 }
		op, role, compressed := OpBinary, Server, flag(0)
		if flag(1) {
			op = OpText
		}
		if flag(2) {
			role = Client
		}
		r := receiver{role: role, limits: &Limits{Message: -1, Fragments: -1}, streaming: flag(3)}
		payloads := [][]byte{message, message}
		if compressed {
			r.inflate = func() *Inflater { return NewInflater(int(bits), flag(4)) }
			payloads = compressAll(t, int(bits), flag(4), payloads)
		}
		var p []byte
		var want []event
		for _, payload := range payloads {
			for i := range int(cuts) + 1 {
				from, to := i*len(payload)/(int(cuts)+1), (i+1)*len(payload)/(int(cuts)+1)
				h := Header{Fin: i == int(cuts), Masked: role == Server, Key: key + uint32(i)}
				if i == 0 {
					h.Opcode, h.RSV1 = op, compressed
				} else if flag(5) {
					ping := Header{Fin: true, Opcode: OpPing, Masked: role == Server, Key: key}
					p, want = AppendFrame(p, ping, []byte("ping")), append(want, event{OpPing, "ping"})
				}
				p = AppendFrame(p, h, payload[from:to])
			}
			want = append(want, event{op, string(message)})
		}
		for _, ends := range [][]int{{len(p)}, {len(p) / 2, len(p)}, {len(p) / 3, len(p) / 3 * 2, len(p)}} {
			got, _ := r.decode(t, p, ends)
			switch {
			case op == OpText && !ValidUTF8(message):
				if got.code != InvalidPayload {
					t.Fatalf("text that is not UTF-8: %v", &got)
				}
			case !got.equal(&outcome{events: want}):
				t.Fatalf("%v, want %v", &got, &outcome{events: want})
			}
		}
	})
}

func BenchmarkAppendFrame(b *testing.B) {
	for _, masked := range []bool{false, true} {
		for _, size := range []int{128, 1 << 10, 64 << 10} {
			b.Run(fmt.Sprintf("masked=%t/%d", masked, size), func(b *testing.B) {
				payload := bytes.Repeat([]byte("payload "), size/8)
				dst := make([]byte, 0, MaxHeaderSize+size)
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					AppendFrame(dst, Header{Fin: true, Opcode: OpText, Masked: masked, Key: testKey}, payload)
				}
			})
		}
	}
}
