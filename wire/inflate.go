package wire

import (
	"errors"
	"fmt"
	"io"
	"math"
	"sync"

	"github.com/klauspost/compress/flate"

	"github.com/molva-ws/molva/internal/buffer"
)

var (
	// ErrInflatedTooBig says that a message is larger than the limit once inflated. It asks for [MessageTooBig].
	ErrInflatedTooBig = errors.New("wire: inflated message exceeds the limit")

	// ErrInflate says that a compressed message is not valid DEFLATE data, or not all of it. The errors of
	// [Inflater.Inflate] wrap it together with the cause. The connection must fail (RFC 7692 §7.2.2).
	ErrInflate = errors.New("wire: malformed deflate data")

	errManyFinalBlocks = errors.New("too many final blocks in one message")
)

// maxFinalBlocks bounds the final blocks in one message. After each the flate reader starts anew and copies up to
// 32 KiB of window, for as little as two bytes received; so many take about a millisecond.
const maxFinalBlocks = 1024

// Inflater decompresses the messages that come one way (permessage-deflate, RFC 7692 §7.2.2). The zero value is ready
// for use: no context takeover.
//
// Without context takeover it holds nothing, may be shared by all connections, and its methods may be called from
// any number of goroutines at once. With context takeover it belongs to one connection and to one goroutine at a
// time, and keeps the peer's window of inflated text, 256 bytes to 32 KiB as negotiated, or what came of it: 16 bytes
// before the first message, 0.3 KB after 100 bytes, 1.1 KB after 1,000, 8.2 KB after 5,000 and 32.8 KB from 16 KiB on.
//
// What inflating needs in between, about 40 KB, is borrowed from a pool for the time of one call.
type Inflater struct {
	bits     windowBits
	takeover bool
	history  slidingWindow
}

// NewInflater returns an Inflater for the negotiated parameters of its direction: windowBits is the base-2 logarithm
// of the window that the peer compresses with, 8 to 15 or 0 for 15 (client_max_window_bits on a server,
// server_max_window_bits on a client, RFC 7692 §7.1.2), and takeover tells whether a message may refer back to earlier
// ones (§7.1.1). A windowBits out of range is taken for the nearest legal value.
func NewInflater(windowBits int, takeover bool) *Inflater {
	return &Inflater{bits: nearestWindowBits(windowBits), takeover: takeover}
}

// Inflate inflates p, the whole payload of a compressed message as it was on the wire with its fragments joined, and
// appends the message to out. Any legal stream is taken: blocks of all types in any number, final ones anywhere
// (RFC 7692 §7.2.3.4), and also those that end with a final block and no octet after it or that are empty altogether,
// which the RFC does not foresee but which can mean one thing only.
//
// The message may have limit bytes, or any number if limit is negative; [ErrInflatedTooBig] says that it has more, all
// other errors wrap [ErrInflate]. After an error out holds part of the message, and an Inflater with context takeover has
// lost its place: only Release may follow.
//
// out grows with the bytes that come, by doubling, and stops at the limit: whatever p claims or packs, a call takes no
// more memory than twice what it returns and what it borrows.
func (z *Inflater) Inflate(out *buffer.Buffer, p []byte, limit int64) error {
	if len(p) == 0 {
		return nil
	}
	if limit < 0 {
		limit = math.MaxInt64
	}
	s := inflateStreams.Get().(*inflateStream)
	defer s.release()
	s.src = inflateSource{payload: p}

	message := out.Len()
	for range maxFinalBlocks {
		known := out.Len()
		err := s.inflate(out, limit-int64(known-message), z.dictionary(out.Bytes()[message:]))
		if err != nil {
			return err
		}
		z.remember(out.Bytes()[known:])
		if s.src.drained() {
			return nil
		}
	}
	return fmt.Errorf("%w: %w", ErrInflate, errManyFinalBlocks)
}

// Append is [Inflater.Inflate] for a slice: it appends the message to dst, or returns dst as it was with the error.
func (z *Inflater) Append(dst, p []byte, limit int) ([]byte, error) {
	out := buffer.Get(2 * len(p))
	defer out.Free()
	if err := z.Inflate(out, p, int64(limit)); err != nil {
		return dst, err
	}
	return append(dst, out.Bytes()...), nil
}

// Release gives the memory of the history back when the connection ends.
func (z *Inflater) Release() { z.history.release() }

// dictionary returns the text that the stream may refer back to after a start or a final block: what was kept from
// earlier messages, or else what this one has given so far.
func (z *Inflater) dictionary(message []byte) []byte {
	if z.takeover {
		return z.history.text()
	}
	return lastBytes(message, maxWindow)
}

func (z *Inflater) remember(p []byte) {
	if z.takeover {
		z.history.append(p, z.bits.bytes())
	}
}

// inflateStream is a flate reader with the source it reads from, which go to the pool and back together.
type inflateStream struct {
	src   inflateSource
	flate io.Reader // also a flate.Resetter
	probe [1]byte
}

var inflateStreams = sync.Pool{New: func() any {
	s := new(inflateStream)
	s.flate = flate.NewReader(&s.src)
	return s
}}

func (s *inflateStream) release() {
	s.src = inflateSource{}
	inflateStreams.Put(s)
}

// inflate appends to out what comes up to the end of the next final block, at most limit bytes.
func (s *inflateStream) inflate(out *buffer.Buffer, limit int64, dictionary []byte) error {
	if err := s.flate.(flate.Resetter).Reset(&s.src, dictionary); err != nil {
		return fmt.Errorf("%w: %w", ErrInflate, err)
	}
	for {
		n, err := s.read(out, limit)
		if int64(n) > limit {
			return ErrInflatedTooBig
		}
		limit -= int64(n)
		if err == io.EOF {
			if err = s.src.checkEnd(); err == nil {
				return nil
			}
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrInflate, err)
		}
	}
}

// read reads into the free space of out, or where that or the limit is used up, one byte that makes out grow or that
// is one too many.
func (s *inflateStream) read(out *buffer.Buffer, limit int64) (int, error) {
	if space := out.Space(); len(space) > 0 && limit > 0 {
		n, err := s.flate.Read(space[:min(int64(len(space)), limit)])
		out.Commit(n)
		return n, err
	}
	n, err := s.flate.Read(s.probe[:])
	if limit > 0 {
		out.Append(s.probe[:n])
	}
	return n, err
}

// inflateTail follows every payload: the octets that the sender left out, and an empty final block, by which the flate
// reader knows the end.
const inflateTail = emptyBlock + "\x01" + emptyBlock

// inflateSource reads a payload and then inflateTail, never ahead of what it is asked for.
type inflateSource struct {
	payload []byte
	read    int // octets of both
}

// ReadByte is what the flate reader mostly calls, and by which it does without a buffer of its own.
func (s *inflateSource) ReadByte() (byte, error) {
	i := s.read
	if i < len(s.payload) {
		s.read++
		return s.payload[i], nil
	}
	if i -= len(s.payload); i < len(inflateTail) {
		s.read++
		return inflateTail[i], nil
	}
	return 0, io.EOF
}

// Read reads the bytes of stored blocks.
func (s *inflateSource) Read(p []byte) (int, error) {
	var n int
	if s.read < len(s.payload) {
		n = copy(p, s.payload[s.read:])
	} else {
		n = copy(p, inflateTail[s.read-len(s.payload):])
		if n == 0 && len(p) > 0 {
			return 0, io.EOF
		}
	}
	s.read += n
	return n, nil
}

// drained reports whether all of the payload was read.
func (s *inflateSource) drained() bool { return s.read >= len(s.payload) }

// checkEnd is asked after a final block. It returns an error unless the block ended within the payload, or where a
// message may end: with the payload, with the octets left out, or with the tail. Anywhere else the payload was cut
// short and the block took the tail for its own.
func (s *inflateSource) checkEnd() error {
	switch over := s.read - len(s.payload); {
	case over <= 0, over == len(emptyBlock), over == len(inflateTail):
		return nil
	}
	return io.ErrUnexpectedEOF
}
