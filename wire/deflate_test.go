package wire

import (
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
)

// deflateSamples are kinds of messages, each by its length.
var deflateSamples = []struct {
	name string
	make func(n int) []byte
}{
	{"text", sampleText},
	{"json", sampleJSON},
	{"random", sampleRandom},
	{"zeros", func(n int) []byte { return make([]byte, n) }},
}

func sampleText(n int) []byte {
	words := strings.Fields("what one says all soon hear word of mouth the rumour runs from door to door and back again")
	random := rand.New(rand.NewPCG(2, uint64(n)))
	var b bytes.Buffer
	for b.Len() < n {
		b.WriteString(words[random.IntN(len(words))])
		b.WriteByte(' ')
	}
	return b.Bytes()[:n]
}

func sampleJSON(n int) []byte {
	random := rand.New(rand.NewPCG(3, uint64(n)))
	var b bytes.Buffer
	for b.Len() < n {
		fmt.Fprintf(&b, `{"type":"message","room":"lobby","from":%d,"at":%d,"text":"hello, it is %d"}`,
			random.IntN(100), 1700000000+random.IntN(1e6), random.IntN(24))
	}
	return b.Bytes()[:n]
}

func sampleRandom(n int) []byte {
	random := rand.New(rand.NewPCG(4, uint64(n)))
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(random.Uint32())
	}
	return p
}

// deflateSizes are the lengths of the messages of one connection, in order.
var deflateSizes = []int{
	0, 1, 2, 16, 64, 125, 126, 127, 128, 255, 256, 257, 512, 1024, 4096, 5000, 16385, 32767, 32768, 65537, 3, 100, 0, 300,
}

// eachDeflateConfig runs f for every window and both kinds of context takeover.
func eachDeflateConfig(t *testing.T, f func(t *testing.T, bits int, takeover bool)) {
	for bits := minWindowBits; bits <= maxWindowBits; bits++ {
		for _, takeover := range []bool{false, true} {
			t.Run(fmt.Sprintf("bits=%d,takeover=%t", bits, takeover), func(t *testing.T) {
				t.Parallel()
				f(t, bits, takeover)
			})
		}
	}
}

// deflateReceiver checks compressed messages by decoders that are not those of this package.
type deflateReceiver struct {
	window   int
	takeover bool
	sent     []byte // what the messages so far have put into the window
}

// check inflates a payload and compares it with the message.
func (r *deflateReceiver) check(payload, message []byte) error {
	if !r.takeover {
		r.sent = nil
	}
	r.sent = lastBytes(r.sent, r.window)

	stream := io.MultiReader(bytes.NewReader(payload), strings.NewReader(inflateTail))
	got, err := io.ReadAll(flate.NewReaderDict(stream, r.sent))
	if err != nil {
		return fmt.Errorf("compress/flate: %w", err)
	}
	if !bytes.Equal(got, message) {
		return fmt.Errorf("compress/flate gives %d other bytes", len(got))
	}

	traced := tracedInflate{in: append(bytes.Clone(payload), emptyBlock...), out: bytes.Clone(r.sent)}
	if err := traced.run(); err != nil {
		return err
	}
	switch {
	case !bytes.Equal(traced.out[len(r.sent):], message):
		return fmt.Errorf("the traced decoder gives %d other bytes", len(traced.out)-len(r.sent))
	case traced.maxDistance > r.window:
		return fmt.Errorf("a match reaches %d back in a window of %d", traced.maxDistance, r.window)
	case traced.final:
		return fmt.Errorf("a block is final")
	case len(payload) == 0:
		return fmt.Errorf("the payload is empty")
	}
	r.sent = append(r.sent, message...)
	return nil
}

func TestDeflateStaysWithinTheWindowAndIsReadByOthers(t *testing.T) {
	eachDeflateConfig(t, func(t *testing.T, bits int, takeover bool) {
		for _, sample := range deflateSamples {
			t.Run(sample.name, func(t *testing.T) {
				d := NewDeflater(bits, takeover)
				defer d.Release()
				receiver := deflateReceiver{window: 1 << bits, takeover: takeover}
				for _, size := range deflateSizes {
					message := sample.make(size)
					payload, err := d.Append([]byte("before"), message)
					if err != nil {
						t.Fatalf("%d bytes: %v", size, err)
					}
					payload, ok := bytes.CutPrefix(payload, []byte("before"))
					if !ok {
						t.Fatalf("%d bytes: what was in dst is lost", size)
					}
					if err := receiver.check(payload, message); err != nil {
						t.Fatalf("%d bytes: %v", size, err)
					}
				}
			})
		}
	})
}

func TestDeflateUsesTheWholeOfASmallWindow(t *testing.T) {
	for bits := minWindowBits; bits < maxWindowBits; bits++ {
		block := sampleRandom(1<<bits - 64)
		payload, err := NewDeflater(bits, false).Append(nil, bytes.Repeat(block, 4))
		if err != nil {
			t.Fatal(err)
		}
		if len(payload) > 2*len(block) {
			t.Errorf("%d bits: repetitions %d bytes back were not found", bits, len(block))
		}
	}
}

// RFC 7692 §7.2.3.6 and §7.2.3.3.
func TestDeflateOfTheSmallestMessages(t *testing.T) {
	for message, want := range map[string]string{"": "\x00", "Hello": "\x00\x05\x00\xfa\xffHello\x00"} {
		for _, takeover := range []bool{false, true} {
			got, err := NewDeflater(15, takeover).Append(nil, []byte(message))
			if err != nil || string(got) != want {
				t.Errorf("%q, takeover %t: %x, %v", message, takeover, got, err)
			}
		}
	}
}

func TestDeflateZeroValueTakesNothingOver(t *testing.T) {
	var d Deflater
	message := sampleRandom(200)
	receiver := deflateReceiver{window: maxWindow}
	for range 2 {
		payload, err := d.Append(nil, message)
		if err != nil {
			t.Fatal(err)
		}
		if err := receiver.check(payload, message); err != nil {
			t.Fatal(err)
		}
	}
	if d.history.buf != nil {
		t.Error("it holds memory")
	}
}

func TestDeflateWithTakeoverRefersToEarlierMessages(t *testing.T) {
	for bits := minWindowBits; bits <= maxWindowBits; bits++ {
		for _, size := range []int{60, 120, 128, 200, 4000} {
			if size > 1<<bits {
				continue
			}
			message := sampleRandom(size)
			d := NewDeflater(bits, true)
			var payload []byte
			for range 2 {
				payload, _ = d.Append(nil, message)
			}
			// A window of twice the message is enough for any compressor; the smaller ones are spent on the rest.
			if 2*size <= 1<<bits && len(payload) > size/2 {
				t.Errorf("%d bits: the same %d bytes again take %d", bits, size, len(payload))
			}
		}
	}
}

func TestDeflateNotesWhatOthersCompressed(t *testing.T) {
	eachDeflateConfig(t, func(t *testing.T, bits int, takeover bool) {
		own, shared := NewDeflater(bits, takeover), NewDeflater(bits, false)
		receiver := deflateReceiver{window: 1 << bits, takeover: takeover}
		for i, size := range deflateSizes {
			message := sampleJSON(size + i)
			compress := own.Append
			if i%2 == 1 {
				compress = shared.Append
				own.Note(message)
			}
			payload, err := compress(nil, message)
			if err != nil {
				t.Fatal(err)
			}
			if err := receiver.check(payload, message); err != nil {
				t.Fatalf("message %d of %d bytes: %v", i, len(message), err)
			}
		}
	})
}

func TestDeflateWithoutTakeoverIsSharedByGoroutines(t *testing.T) {
	for _, bits := range []int{8, 15} {
		d, z := NewDeflater(bits, false), NewInflater(bits, false)
		var group sync.WaitGroup
		for i := range 8 {
			group.Go(func() {
				for n := range 50 {
					message := sampleText(n*i*10 + i)
					payload, err := d.Append(nil, message)
					if err != nil {
						t.Error(err)
					}
					got, err := z.Append(nil, payload, -1)
					if err != nil || !bytes.Equal(got, message) {
						t.Errorf("%d bytes differ: %v", len(message), err)
					}
				}
			})
		}
		group.Wait()
	}
}

func TestDeflateGrowsRandomDataByLittle(t *testing.T) {
	for _, size := range []int{1, 100, 1000, 32768, 1 << 20} {
		for bits := minWindowBits; bits <= maxWindowBits; bits++ {
			payload, err := NewDeflater(bits, false).Append(nil, sampleRandom(size))
			if most := size + 6 + 5*(size/(24<<10)); err != nil || len(payload) > most {
				t.Errorf("%d bits: %d bytes became %d, more than %d (%v)", bits, size, len(payload), most, err)
			}
		}
	}
}

func TestDeflateReleaseGivesTheHistoryBack(t *testing.T) {
	d := NewDeflater(15, true)
	message := sampleText(3000)
	first, _ := d.Append(nil, message)
	d.Release()
	if d.history.buf != nil {
		t.Error("it still holds memory")
	}
	if again, _ := d.Append(nil, message); !bytes.Equal(first, again) {
		t.Error("it still knows what it sent")
	}
}

func FuzzDeflateRoundTrip(f *testing.F) {
	f.Add(uint8(15), true, []byte("Hello"), []byte("Hello"))
	f.Add(uint8(8), true, sampleText(300), sampleText(70))
	f.Add(uint8(9), false, sampleJSON(1000), []byte{})
	f.Fuzz(func(t *testing.T, bits uint8, takeover bool, first, second []byte) {
		bits = minWindowBits + bits%8
		d, z := NewDeflater(int(bits), takeover), NewInflater(int(bits), takeover)
		defer d.Release()
		defer z.Release()
		receiver := deflateReceiver{window: 1 << bits, takeover: takeover}
		for i, message := range [][]byte{first, second, first, append(bytes.Clone(second), first...)} {
			payload, err := d.Append(nil, message)
			if err != nil {
				t.Fatal(err)
			}
			if err := receiver.check(payload, message); err != nil {
				t.Fatalf("message %d: %v", i, err)
			}
			got, err := z.Append(nil, payload, len(message))
			if err != nil || !bytes.Equal(got, message) {
				t.Fatalf("message %d: %d of %d bytes, %v", i, len(got), len(message), err)
			}
		}
	})
}

// deflateConfigs are the parameters to benchmark and to count allocations with.
var deflateConfigs = []struct {
	name     string
	bits     int
	takeover bool
}{
	{"window=15", 15, false},
	{"window=12", 12, false},
	{"window=15,takeover", 15, true},
	{"window=12,takeover", 12, true},
}

// deflateStreams are the messages to benchmark with, 64 different ones of a kind.
var deflateStreams = []struct {
	name     string
	messages [][]byte
}{
	{"json-100B", cut(sampleJSON(64*100), 100)},
	{"json-1KiB", cut(sampleJSON(64<<10), 1<<10)},
	{"text-64KiB", cut(sampleText(4<<20), 64<<10)},
}

func cut(p []byte, n int) (messages [][]byte) {
	for ; len(p) >= n; p = p[n:] {
		messages = append(messages, p[:n])
	}
	return messages
}

func BenchmarkDeflate(b *testing.B) {
	for _, c := range deflateConfigs {
		for _, stream := range deflateStreams {
			b.Run(c.name+"/"+stream.name, func(b *testing.B) {
				d := NewDeflater(c.bits, c.takeover)
				defer d.Release()
				size := len(stream.messages[0])
				dst := make([]byte, 0, 2*size)
				total, i := 0, 0
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					dst, _ = d.Append(dst[:0], stream.messages[i%64])
					total += len(dst)
					i++
				}
				b.ReportMetric(float64(total)/float64(i), "bytes-out/op")
			})
		}
	}
}
