package wire

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/molva-ws/molva/internal/buffer"
)

func TestInflateExamplesOfTheRFC(t *testing.T) {
	for name, c := range map[string]struct {
		payloads []string
		want     string
	}{
		"7.2.3.1 one block": {[]string{"\xf2\x48\xcd\xc9\xc9\x07\x00"}, "Hello"},
		"7.2.3.2 sharing the window": {
			[]string{"\xf2\x48\xcd\xc9\xc9\x07\x00", "\xf2\x00\x11\x00\x00"}, "HelloHello"},
		"7.2.3.3 no compression":                 {[]string{"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"}, "Hello"},
		"7.2.3.4 final block":                    {[]string{"\xf3\x48\xcd\xc9\xc9\x07\x00\x00"}, "Hello"},
		"7.2.3.5 two blocks":                     {[]string{"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"}, "Hello"},
		"7.2.3.6 empty":                          {[]string{"\x00"}, ""},
		"7.2.3.6 empty, fixed block":             {[]string{"\x02\x00"}, ""},
		"empty payload":                          {[]string{""}, ""},
		"final block and nothing more":           {[]string{"\xf3\x48\xcd\xc9\xc9\x07\x00"}, "Hello"},
		"final stored block without its lengths": {[]string{"\x01", "\x01"}, ""},
		"final blocks amid": {
			[]string{"\xf3\x48\xcd\xc9\xc9\x07\x00\xf3\x48\xcd\xc9\xc9\x07\x00\x00"}, "HelloHello"},
		"window shared over a final block": {
			[]string{"\xf3\x48\xcd\xc9\xc9\x07\x00\xf2\x00\x11\x00\x00", "\xf2\x00\x11\x00\x00"}, "HelloHelloHello"},
	} {
		t.Run(name, func(t *testing.T) {
			z := NewInflater(15, true)
			defer z.Release()
			var got []byte
			for _, payload := range c.payloads {
				var err error
				if got, err = z.Append(got, []byte(payload), 10); err != nil {
					t.Fatalf("%x: %v", payload, err)
				}
			}
			if string(got) != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestInflateWithoutTakeoverKnowsNothingOfEarlierMessages(t *testing.T) {
	var z Inflater
	if _, err := z.Append(nil, []byte("\xf2\x48\xcd\xc9\xc9\x07\x00"), -1); err != nil {
		t.Fatal(err)
	}
	if got, err := z.Append(nil, []byte("\xf2\x00\x11\x00\x00"), -1); !errors.Is(err, ErrInflate) {
		t.Errorf("%q, %v", got, err)
	}
	if z.history.buf != nil {
		t.Error("it holds memory")
	}
	got, err := z.Append(nil, []byte("\xf3\x48\xcd\xc9\xc9\x07\x00\xf2\x00\x11\x00\x00"), -1)
	if err != nil || string(got) != "HelloHello" {
		t.Errorf("over a final block of the same message: %q, %v", got, err)
	}
}

func TestInflateKeepsTheWindowOverFinalBlocks(t *testing.T) {
	parts := cut(sampleRandom(300), 100)
	var wire bytes.Buffer
	final := func(part []byte) []byte {
		wire.Reset()
		w, _ := flate.NewWriter(&wire, flate.BestCompression)
		w.Write(part)
		w.Close()
		return bytes.Clone(wire.Bytes())
	}
	first, second := final(parts[0]), append(final(parts[1]), final(parts[2])...)
	wire.Reset()
	w, _ := flate.NewWriterDict(&wire, flate.BestCompression, slices.Concat(parts...))
	w.Write(parts[0])
	w.Flush()
	second = append(second, wire.Bytes()...)

	z := NewInflater(15, true)
	defer z.Release()
	if got, err := z.Append(nil, first, -1); err != nil || !bytes.Equal(got, parts[0]) {
		t.Fatalf("the first message: %d bytes, %v", len(got), err)
	}
	payload, _ := bytes.CutSuffix(second, []byte(emptyBlock))
	got, err := z.Append(nil, payload, -1)
	if want := slices.Concat(parts[1], parts[2], parts[0]); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%x, want %x: %v", got, want, err)
	}
}

func TestInflateReadsWhatDeflateWrites(t *testing.T) {
	eachDeflateConfig(t, func(t *testing.T, bits int, takeover bool) {
		for _, sample := range deflateSamples {
			d, z := NewDeflater(bits, takeover), NewInflater(bits, takeover)
			var got []byte
			sizes := append(slices.Clone(deflateSizes), 65535, 65536, 10)
			if sample.name == "text" {
				sizes = append(sizes, 1<<20, 10)
			}
			for _, size := range sizes {
				message := sample.make(size)
				payload, err := d.Append(nil, message)
				if err != nil {
					t.Fatal(err)
				}
				got, err = z.Append(got[:0], payload, size)
				if err != nil || !bytes.Equal(got, message) {
					t.Fatalf("%s, %d bytes: got %d, %v", sample.name, size, len(got), err)
				}
			}
			if held := len(z.history.text()); takeover && held != 1<<bits || !takeover && held != 0 {
				t.Errorf("%s: %d bytes are held", sample.name, held)
			}
			d.Release()
			z.Release()
		}
	})
}

func TestInflateReadsWhatTheStandardLibraryWrites(t *testing.T) {
	for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, flate.BestSpeed, flate.BestCompression} {
		t.Run(fmt.Sprint(level), func(t *testing.T) {
			var wire bytes.Buffer
			w, err := flate.NewWriter(&wire, level) // one writer, so the window is taken over
			if err != nil {
				t.Fatal(err)
			}
			z := NewInflater(15, true)
			defer z.Release()
			for _, sample := range deflateSamples {
				for _, size := range deflateSizes {
					message := sample.make(size)
					wire.Reset()
					w.Write(message)
					w.Flush()
					payload, _ := bytes.CutSuffix(wire.Bytes(), []byte(emptyBlock))
					got, err := z.Append(nil, payload, size)
					if err != nil || !bytes.Equal(got, message) {
						t.Fatalf("%s, %d bytes: got %d, %v", sample.name, size, len(got), err)
					}
				}
			}
		})
	}
}

func TestInflateStopsAtTheLimit(t *testing.T) {
	for _, size := range []int{1, 2, 511, 512, 513, 4096, 32768, 65536, 100000} {
		for _, sample := range deflateSamples {
			payload := compressAll(t, 15, false, [][]byte{sample.make(size)})[0]
			var z Inflater
			if got, err := z.Append(nil, payload, size); err != nil || len(got) != size {
				t.Errorf("%s: %d bytes with as many allowed: %d, %v", sample.name, size, len(got), err)
			}
			for _, limit := range []int{0, size / 2, size - 1} {
				got, err := z.Append([]byte("before"), payload, limit)
				if !errors.Is(err, ErrInflatedTooBig) || errors.Is(err, ErrInflate) || string(got) != "before" {
					t.Errorf("%s: %d bytes with %d allowed: %q, %v", sample.name, size, limit, got, err)
				}
			}
		}
	}
}

func TestInflateCountsTheLimitOverFinalBlocks(t *testing.T) {
	hello := "\xf3\x48\xcd\xc9\xc9\x07\x00"
	var z Inflater
	if _, err := z.Append(nil, []byte(hello+hello+hello), 15); err != nil {
		t.Error(err)
	}
	if _, err := z.Append(nil, []byte(hello+hello+hello), 14); !errors.Is(err, ErrInflatedTooBig) {
		t.Error(err)
	}
}

func TestInflateOfABombTakesNoMoreMemoryThanTheLimit(t *testing.T) {
	payload := compressAll(t, 15, false, [][]byte{make([]byte, 16<<20)})[0]
	for _, limit := range []int64{0, 1, 1000, 1 << 16, 1 << 20} {
		out := buffer.Get(0)
		var z Inflater
		if err := z.Inflate(out, payload, limit); !errors.Is(err, ErrInflatedTooBig) {
			t.Errorf("limit %d: %v", limit, err)
		}
		if most := max(512, 2*int(limit)); int64(out.Len()) > limit || out.Cap() > most {
			t.Errorf("limit %d: %d bytes in %d", limit, out.Len(), out.Cap())
		}
		out.Free()
	}
}

func TestInflateBoundsFinalBlocks(t *testing.T) {
	z := NewInflater(15, true)
	defer z.Release()
	empty := "\x03\x00" // a final block with nothing in it
	if _, err := z.Append(nil, []byte(strings.Repeat(empty, maxFinalBlocks)), -1); err != nil {
		t.Error(err)
	}
	if _, err := z.Append(nil, []byte(strings.Repeat(empty, maxFinalBlocks+1)), -1); !errors.Is(err, errManyFinalBlocks) {
		t.Error(err)
	}
}

func TestInflateRefusesMalformedData(t *testing.T) {
	for name, payload := range map[string]string{
		"reserved block type":               "\x06",
		"stored lengths differ":             "\x00\x05\x00\xfa\xfeHello\x00",
		"match before the beginning":        "\xf2\x00\x11\x00\x00",
		"fixed block cut short":             "\xf2\x48\xcd\xc9",
		"final fixed block cut short":       "\xf3\x48\xcd\xc9\xc9\x07",
		"stored block cut short":            "\x00\x05\x00\xfa\xffHell",
		"stored block cut by all its data":  "\x00\x05\x00\xfa\xff",
		"garbage after a final block":       "\xf3\x48\xcd\xc9\xc9\x07\x00\xff\xff\xff\xff",
		"garbage after a complete message":  "\xf2\x48\xcd\xc9\xc9\x07\x00\xff\xff",
		"the tail was not taken off":        "\xf2\x48\xcd\xc9\xc9\x07\x00\x00",
		"dynamic block without a code":      "\x04\x00\x00",
		"dynamic block with too many codes": "\xfc\xff\xff\xff\xff",
		"all bits set":                      "\xff\xff\xff\xff\xff\xff\xff\xff",
	} {
		t.Run(name, func(t *testing.T) {
			var z Inflater
			got, err := z.Append([]byte("before"), []byte(payload), -1)
			if !errors.Is(err, ErrInflate) || errors.Is(err, ErrInflatedTooBig) || string(got) != "before" {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

func TestInflateNoticesThatTheEndIsMissing(t *testing.T) {
	message := sampleJSON(3000)
	payload := compressAll(t, 15, false, [][]byte{message})[0]
	var z Inflater
	for n := 1; n < len(payload)-1; n++ {
		if got, err := z.Append(nil, payload[:n], -1); !errors.Is(err, ErrInflate) {
			t.Fatalf("%d of %d bytes give %d: %v", n, len(payload), len(got), err)
		}
	}
}

func TestInflateSurvivesDamage(t *testing.T) {
	payload := compressAll(t, 15, false, [][]byte{sampleText(5000)})[0]
	random := rand.New(rand.NewPCG(5, 5))
	var z Inflater
	for range 2000 {
		damaged := bytes.Clone(payload)
		for range 1 + random.IntN(3) {
			damaged[random.IntN(len(damaged))] ^= 1 << random.IntN(8)
		}
		got, err := z.Append(nil, damaged, 6000)
		if err != nil && !errors.Is(err, ErrInflate) && !errors.Is(err, ErrInflatedTooBig) || len(got) > 6000 {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
	}
	if got, err := z.Append(nil, payload, 5000); err != nil || len(got) != 5000 {
		t.Errorf("afterwards: %d bytes, %v", len(got), err)
	}
}

func TestInflateReleaseGivesTheHistoryBack(t *testing.T) {
	z := NewInflater(15, true)
	if _, err := z.Append(nil, []byte("\xf2\x48\xcd\xc9\xc9\x07\x00"), -1); err != nil {
		t.Fatal(err)
	}
	if got := cap(*z.history.buf); got != 256 {
		t.Errorf("5 bytes are held in %d", got)
	}
	z.Release()
	if z.history.buf != nil {
		t.Error("it still holds memory")
	}
}

// FuzzInflate takes several payloads from one input: each has its length before it.
func FuzzInflate(f *testing.F) {
	for _, payload := range []string{
		"\xf2\x48\xcd\xc9\xc9\x07\x00", "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", "\xf3\x48\xcd\xc9\xc9\x07\x00\x00",
		"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", "\x00", "\x01", "\x03\x00\x03\x00",
	} {
		second := "\xf2\x00\x11\x00\x00"
		f.Add(true, uint16(20), []byte("\x00"+string(rune(len(payload)))+payload+"\x00\x05"+second))
	}
	f.Add(false, uint16(2000), append([]byte{0x7f, 0xff}, compressAll(f, 15, false, [][]byte{sampleJSON(2000)})[0]...))
	f.Fuzz(func(t *testing.T, takeover bool, limit uint16, data []byte) {
		z := NewInflater(15, takeover)
		defer z.Release()
		var history []byte
		for len(data) > 2 {
			n := min(int(binary.BigEndian.Uint16(data)), len(data)-2)
			payload := data[2 : 2+n]
			data = data[2+n:]
			got, err := z.Append(nil, payload, int(limit))
			if len(got) > int(limit) {
				t.Fatalf("%d bytes, %d allowed", len(got), limit)
			}
			want, valid := standardInflate(payload, history)
			switch {
			case !valid && err == nil && len(payload) > 0 && !hasFinalBlock(payload, history):
				t.Fatalf("%x was taken", payload)
			case valid && len(want) > int(limit):
				if !errors.Is(err, ErrInflatedTooBig) {
					t.Fatalf("%x gives %d bytes, %d allowed: %v", payload, len(want), limit, err)
				}
			case valid && (err != nil || !bytes.Equal(got, want)):
				t.Fatalf("%x gives %x, want %x: %v", payload, got, want, err)
			}
			if err != nil {
				return
			}
			if takeover {
				history = lastBytes(append(history, got...), maxWindow)
			}
		}
	})
}

// hasFinalBlock tells that a payload is one which the standard library stops in before its end.
func hasFinalBlock(payload, history []byte) bool {
	traced := tracedInflate{in: append(bytes.Clone(payload), emptyBlock...), out: bytes.Clone(history)}
	_ = traced.run()
	return traced.final
}

// standardInflate inflates a payload without final blocks by the standard library.
func standardInflate(payload, history []byte) (message []byte, valid bool) {
	stream := strings.NewReader(string(payload) + inflateTail)
	message, err := io.ReadAll(flate.NewReaderDict(stream, history))
	return message, err == nil && stream.Len() == 0
}

// compressAll compresses the messages of one connection.
func compressAll(t testing.TB, bits int, takeover bool, messages [][]byte) (payloads [][]byte) {
	d := NewDeflater(bits, takeover)
	defer d.Release()
	for _, message := range messages {
		payload, err := d.Append(nil, message)
		if err != nil {
			t.Fatal(err)
		}
		payloads = append(payloads, payload)
	}
	return payloads
}

func BenchmarkInflate(b *testing.B) {
	for _, c := range deflateConfigs {
		for _, stream := range deflateStreams {
			b.Run(c.name+"/"+stream.name, func(b *testing.B) {
				// Compressed without history, so that any order can be inflated.
				payloads := compressAll(b, c.bits, false, stream.messages)
				z := NewInflater(c.bits, c.takeover)
				defer z.Release()
				i := 0
				b.SetBytes(int64(len(stream.messages[0])))
				b.ReportAllocs()
				for b.Loop() {
					out := buffer.Get(2 * len(payloads[i%64]))
					if err := z.Inflate(out, payloads[i%64], -1); err != nil {
						b.Fatal(err)
					}
					out.Free()
					i++
				}
			})
		}
	}
}

func BenchmarkInflateManyFinalBlocks(b *testing.B) {
	z := NewInflater(15, true)
	defer z.Release()
	z.Append(nil, compressAll(b, 15, false, [][]byte{sampleText(maxWindow)})[0], -1)
	payload := []byte(strings.Repeat("\x03\x00", maxFinalBlocks))
	for b.Loop() {
		if _, err := z.Append(nil, payload, -1); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkInflateBomb(b *testing.B) {
	payload := compressAll(b, 15, false, [][]byte{make([]byte, 2<<20)})[0]
	var z Inflater
	b.ReportAllocs()
	for b.Loop() {
		out := buffer.Get(2 * len(payload))
		if err := z.Inflate(out, payload, 1<<20); !errors.Is(err, ErrInflatedTooBig) {
			b.Fatal(err)
		}
		out.Free()
	}
}
