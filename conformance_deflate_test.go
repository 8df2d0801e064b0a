package molva_test

import (
	"bytes"
	stdflate "compress/flate"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/klauspost/compress/flate"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/wire"
)

// agreement is what both ends agree on for permessage-deflate.
type agreement struct {
	serverBits, clientBits         int
	serverTakeover, clientTakeover bool
}

func (a agreement) String() string {
	s := fmt.Sprintf("permessage-deflate; server_max_window_bits=%d; client_max_window_bits=%d", a.serverBits, a.clientBits)
	if !a.serverTakeover {
		s += "; server_no_context_takeover"
	}
	if !a.clientTakeover {
		s += "; client_no_context_takeover"
	}
	return s
}

// config has the end under test compress all it sends.
func (a agreement) config() config {
	return config{
		compression: molva.Compression{Enabled: true, Takeover: true, MinSize: -1},
		extensions:  a.String(),
	}
}

// compressionCases have every window size in both directions, with and without context takeover, for data of two
// kinds and many sizes.
func compressionCases() []testCase {
	var cases []testCase
	for bits := 8; bits <= 15; bits++ {
		for takeover := range 4 {
			a := agreement{
				serverBits:     bits,
				clientBits:     23 - bits,
				serverTakeover: takeover&1 != 0,
				clientTakeover: takeover&2 != 0,
			}
			for _, size := range []int{0, 16, 64, 256, 1024, 4096, 16384, 65536, 131072} {
				cases = append(cases, compressionCase(a, "text", size, prose), compressionCase(a, "random data", size, noise))
			}
		}
	}
	if raceDetector {
		return everySeventh(cases)
	}
	return cases
}

// everySeventh is a sample that has every window, size, kind and way of takeover, though not all together.
func everySeventh(cases []testCase) []testCase {
	var sample []testCase
	for i := 0; i < len(cases); i += 7 {
		sample = append(sample, cases[i])
	}
	return sample
}

// compressionCase exchanges several messages of one size, every other one in fragments with a ping within.
func compressionCase(a agreement, kind string, size int, data func(*rand.Rand, int) frame) testCase {
	name := fmt.Sprintf("windows %d %d, takeover %v %v, %d bytes of %s", a.serverBits, a.clientBits, a.serverTakeover,
		a.clientTakeover, size, kind)
	return testCase{name: name, config: a.config(), dialog: func(p *peer) {
		codec := newCodec(a, p.role)
		defer codec.release()
		random := rand.New(rand.NewPCG(uint64(size), uint64(a.serverBits)))
		for i := range min(max(2, 16384/max(size, 1)), 8) {
			message := data(random, size)
			sent := codec.compress(message)
			if i%2 == 0 || size == 0 {
				p.send(sent)
			} else {
				cut := sent.fragments(max(1, len(sent.payload)/5, len(sent.payload)/300))
				p.send(slices.Insert(cut, 1, pingFrame("within"))...)
				p.want(pongFrame("within"))
			}
			codec.want(p, message)
		}
		p.close()
	}}
}

// codec is the peer's half of permessage-deflate.
type codec struct {
	bits          int
	takeover      bool // of this end's messages
	deflater      deflater
	out           bytes.Buffer
	theirTakeover bool
	theirWindow   int
	history       []byte // what they may refer back to
}

type deflater interface {
	io.Writer
	Flush() error
	Reset(io.Writer)
}

// deflaters are those not in use, by the size of their window. They are large.
var deflaters [16]sync.Pool

// newCodec returns the codec of the end that plays role.
func newCodec(a agreement, role wire.Role) *codec {
	c := &codec{bits: a.serverBits, takeover: a.serverTakeover, theirTakeover: a.clientTakeover, theirWindow: 1 << a.clientBits}
	if role == wire.Client {
		c.bits, c.takeover = a.clientBits, a.clientTakeover
		c.theirTakeover, c.theirWindow = a.serverTakeover, 1<<a.serverBits
	}
	c.deflater = newDeflater(c.bits)
	c.deflater.Reset(&c.out)
	return c
}

// newDeflater is the standard library's for the largest window, the only one it knows.
func newDeflater(bits int) deflater {
	if d, ok := deflaters[bits].Get().(deflater); ok {
		return d
	}
	if bits == 15 {
		d, _ := stdflate.NewWriter(nil, 1)
		return d
	}
	d, _ := flate.NewWriterWindow(nil, 1<<bits)
	return d
}

func (c *codec) release() { deflaters[c.bits].Put(c.deflater) }

// compress returns the frame for a message (RFC 7692 §7.2.1).
func (c *codec) compress(message frame) frame {
	c.out.Reset()
	if !c.takeover {
		c.deflater.Reset(&c.out)
	}
	// Writing to memory does not fail.
	c.deflater.Write(message.payload)
	c.deflater.Flush()
	data := bytes.TrimSuffix(c.out.Bytes(), []byte("\x00\x00\xff\xff"))
	return frame{op: message.op, rsv: 4, payload: slices.Clone(data)}
}

// want reads a compressed message and compares it (RFC 7692 §7.2.2).
func (c *codec) want(p *peer, message frame) {
	p.Helper()
	f := p.read("compressed " + message.String())
	if f.rsv != 4 {
		p.Fatalf("got %v, want it compressed", f)
	}
	const tail = "\x00\x00\xff\xff\x01\x00\x00\xff\xff"
	inflater := stdflate.NewReaderDict(io.MultiReader(bytes.NewReader(f.payload), strings.NewReader(tail)), c.history)
	data, err := io.ReadAll(inflater)
	if err != nil {
		p.Fatalf("inflating %v: %v", f, err)
	}
	if got := (frame{op: f.op, payload: data}); !got.equal(message) {
		p.Fatalf("got %v, want %v", got, message)
	}
	if c.theirTakeover {
		c.history = append(c.history, data...)
		c.history = c.history[max(0, len(c.history)-c.theirWindow):]
	}
}

// prose returns a text of n bytes.
func prose(random *rand.Rand, n int) frame {
	words := []string{"молва ", "word ", "of ", "mouth ", "{\"id\": ", "42}, ", "λόγος ", "🌍 ", "что ", "скажет ", "один"}
	var s strings.Builder
	for s.Len() < n {
		s.WriteString(words[random.IntN(len(words))])
	}
	text := s.String()[:n]
	for !utf8.ValidString(text) {
		text = text[:len(text)-1]
	}
	return textFrame(text + strings.Repeat(".", n-len(text)))
}

// noise returns n bytes that do not compress.
func noise(random *rand.Rand, n int) frame {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(random.Uint32())
	}
	return binaryFrame(data)
}
