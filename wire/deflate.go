package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
)

const (
	// emptyBlock is what a sync flush ends with, the length fields of an empty stored block: left out on the wire by
	// the sender and put back by the receiver (RFC 7692 §7.2.1, §7.2.2).
	emptyBlock = "\x00\x00\xff\xff"

	// sendHistory is how much sent text a Deflater keeps at most under context takeover. It is indexed anew for every
	// message: twice as much doubles the time for a short one and saves little.
	sendHistory = 4 << 10

	// The windowed writers only Huffman-code a message below this size, without a look at its history.
	minWindowedMessage = 128
)

var errNoSyncFlush = errors.New("wire: deflate: compressed data does not end with a sync flush")

// Deflater compresses the messages that go one way (permessage-deflate, RFC 7692 §7.2.1). The zero value is ready
// for use: no context takeover, a window of 32 KiB.
//
// Without context takeover it holds nothing, may be shared by all connections, and its methods may be called from
// any number of goroutines at once. With context takeover it belongs to one connection and to one goroutine at a
// time, and keeps the last 4 KiB of what was sent: 16 bytes before the first message, 0.3 KB after 100 bytes, 1.1 KB
// after 1,000 and 4.1 KB from 4,096 on.
//
// What compressing needs in between is borrowed from pools for the time of one call.
type Deflater struct {
	bits     windowBits
	takeover bool
	history  slidingWindow
}

// NewDeflater returns a Deflater for the negotiated parameters of its direction: windowBits is the base-2 logarithm
// of the receiver's window, 8 to 15 or 0 for 15 (server_max_window_bits on a server, client_max_window_bits on a
// client, RFC 7692 §7.1.2), and takeover tells whether a message may refer back to earlier ones (§7.1.1).
// A windowBits out of range is taken for the nearest legal value.
func NewDeflater(windowBits int, takeover bool) *Deflater {
	return &Deflater{bits: nearestWindowBits(windowBits), takeover: takeover}
}

// Append appends the compressed payload of the message p to dst, which must not overlap p: DEFLATE blocks of which
// none is final, then a sync flush without its last four octets (RFC 7692 §7.2.1). No match reaches further back than
// the window. The empty message becomes the single octet 0x00 (§7.2.3.6); data that does not compress grows by 6 bytes
// and 5 more for every 24 KiB.
//
// With context takeover the peer's window has to see what this one has seen: what Append returns must be sent, with
// RSV1 set and in the order of the calls. An error is a fault of the compressor, not of p; dst then comes back as it
// was.
func (d *Deflater) Append(dst, p []byte) ([]byte, error) {
	out := deflateOutputs.Get().(*deflateOutput)
	out.data = dst
	err := d.compress(out, p)
	data := out.data
	out.data = nil
	deflateOutputs.Put(out)

	if err != nil {
		return dst, fmt.Errorf("wire: deflate: %w", err)
	}
	data, ok := bytes.CutSuffix(data, []byte(emptyBlock))
	if !ok {
		return dst, errNoSyncFlush
	}
	d.Note(p)
	return data, nil
}

// Note tells a Deflater that the message p is sent, compressed, without its help: by [Deflater.Append] of another one
// without context takeover, as a message for many connections is compressed once for all. The peer's window moves on
// over p, so what is compressed next must count from there. Messages sent uncompressed (RSV1 clear) do not enter the
// window and must not be noted. Without context takeover Note does nothing.
func (d *Deflater) Note(p []byte) {
	if d.takeover {
		d.history.append(p, min(d.bits.bytes(), sendHistory))
	}
}

// Release gives the memory of the history back when the connection ends. A Deflater that is used again afterwards
// refers to nothing that was sent before.
func (d *Deflater) Release() { d.history.release() }

// compress writes p and a sync flush to w. Of the two compressors of the flate package, the stateless one makes do
// with a hash table of 16 KiB on the stack but knows no window: it fits where message and history together are no
// larger than the window, or where the window is the largest that DEFLATE has. With a history it allocates a copy of
// both, so a message that is not short goes to the windowed one then.
func (d *Deflater) compress(w io.Writer, p []byte) error {
	window, history := d.bits.bytes(), d.history.text()
	fits := len(p) <= window || window == maxWindow
	if fits && (len(history) == 0 || len(p) < minWindowedMessage) {
		return flate.StatelessDeflate(w, p, false, lastBytes(history, max(window-len(p), 0)))
	}
	return compressWindowed(w, p, d.bits, history)
}

// windowedWriters holds the idle writers of each window size, by its base-2 logarithm. A writer takes 1.1 to
// 1.4 MB, and there are never more of them than messages being compressed at once.
var windowedWriters [maxWindowBits + 1]sync.Pool

// compressWindowed writes p and a sync flush to w, with matches that stay within the window and may begin in
// history.
func compressWindowed(w io.Writer, p []byte, bits windowBits, history []byte) error {
	pool := &windowedWriters[bits]
	z, ok := pool.Get().(*flate.Writer)
	if !ok {
		var err error
		if z, err = flate.NewWriterWindow(nil, bits.bytes()); err != nil {
			return err
		}
	}
	defer pool.Put(z)
	z.ResetDict(w, history)
	defer z.ResetDict(nil, nil) // what waits in the pool refers to no connection

	if _, err := z.Write(p); err != nil {
		return err
	}
	return z.Flush()
}

// deflateOutput is a writer that appends.
type deflateOutput struct{ data []byte }

var deflateOutputs = sync.Pool{New: func() any { return new(deflateOutput) }}

func (o *deflateOutput) Write(p []byte) (int, error) {
	o.data = append(o.data, p...)
	return len(p), nil
}
