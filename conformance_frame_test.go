package molva_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"

	"github.com/molva-ws/molva/wire"
)

// frame is a frame as the raw peer sends and expects it. It is encoded and parsed here, not by package wire: a mistake
// there must not find its like in the test.
type frame struct {
	op      wire.Opcode
	payload []byte
	more    bool // FIN is not set
	rsv     byte // the reserved bits as one number: RSV1 is 4, RSV3 is 1

	// What follows breaks the rules.
	declares   uint64 // the length in the header, where it is not that of the payload
	lengthSize int    // bytes after the second that hold the length: 2 or 8, where it need not be
	mismasked  bool   // masked by a server, or not masked by a client
}

func textFrame(s string) frame         { return frame{op: wire.OpText, payload: []byte(s)} }
func binaryFrame(p []byte) frame       { return frame{op: wire.OpBinary, payload: p} }
func pingFrame(s string) frame         { return frame{op: wire.OpPing, payload: []byte(s)} }
func pongFrame(s string) frame         { return frame{op: wire.OpPong, payload: []byte(s)} }
func continuationFrame(s string) frame { return frame{op: wire.OpContinuation, payload: []byte(s)} }

func closeFrame(code wire.CloseCode, reason string) frame {
	return frame{op: wire.OpClose, payload: append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...)}
}

// unfinished returns f without FIN.
func (f frame) unfinished() frame {
	f.more = true
	return f
}

// reserved returns f with reserved bits set.
func (f frame) reserved(bits byte) frame {
	f.rsv = bits
	return f
}

// missing returns f with a header that promises n bytes more of payload than follow.
func (f frame) missing(n uint64) frame {
	f.declares = uint64(len(f.payload)) + n
	return f
}

// fragments cuts the payload of f into frames of at most size bytes.
func (f frame) fragments(size int) []frame {
	var cut []frame
	for chunk := range slices.Chunk(f.payload, size) {
		cut = append(cut, frame{op: wire.OpContinuation, payload: chunk, more: true})
	}
	if len(cut) == 0 {
		return []frame{f}
	}
	cut[0].op, cut[0].rsv = f.op, f.rsv
	cut[len(cut)-1].more = f.more
	return cut
}

// append encodes f for the end that plays role.
func (f frame) append(dst []byte, role wire.Role) []byte {
	first := byte(f.op) | f.rsv<<4
	if !f.more {
		first |= 0x80
	}
	masked := (role == wire.Client) != f.mismasked
	second := byte(0)
	if masked {
		second = 0x80
	}
	length := uint64(len(f.payload))
	if f.declares != 0 {
		length = f.declares
	}
	size := f.lengthSize
	switch {
	case size > 0:
	case length > 0xFFFF:
		size = 8
	case length > 125:
		size = 2
	}
	switch size {
	case 0:
		dst = append(dst, first, second|byte(length))
	case 2:
		dst = binary.BigEndian.AppendUint16(append(dst, first, second|126), uint16(length))
	case 8:
		dst = binary.BigEndian.AppendUint64(append(dst, first, second|127), length)
	}
	if !masked {
		return append(dst, f.payload...)
	}
	return appendMasked(dst, f.payload)
}

// appendMasked appends a masking key and the masked payload, eight bytes at a time where there are as many.
func appendMasked(dst, payload []byte) []byte {
	key := rand.Uint32()
	dst = binary.LittleEndian.AppendUint32(dst, key)
	for len(payload) >= 8 {
		masked := binary.LittleEndian.Uint64(payload) ^ (uint64(key)<<32 | uint64(key))
		dst = binary.LittleEndian.AppendUint64(dst, masked)
		payload = payload[8:]
	}
	for i, b := range payload {
		dst = append(dst, b^byte(key>>(8*(i%4))))
	}
	return dst
}

// readFrame reads a frame that was sent by the end that plays role, and is strict about its header. At the end of the
// connection, if it comes between frames, it returns io.EOF.
func readFrame(r io.Reader, role wire.Role) (frame, error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:2]); err != nil {
		return frame{}, err
	}
	f := frame{op: wire.Opcode(head[0] & 0xF), more: head[0]&0x80 == 0, rsv: head[0] >> 4 & 7}
	masked := head[1]&0x80 != 0
	if masked != (role == wire.Client) {
		return f, fmt.Errorf("frame of a %v has the mask bit %v", role, masked)
	}
	length, err := readLength(r, head[1]&0x7F)
	if err != nil {
		return f, err
	}
	var key [4]byte
	if masked {
		if _, err := io.ReadFull(r, key[:]); err != nil {
			return f, noEOF(err)
		}
	}
	f.payload = make([]byte, length)
	if _, err := io.ReadFull(r, f.payload); err != nil {
		return f, noEOF(err)
	}
	if masked {
		f.payload = appendUnmasked(f.payload[:0], f.payload, key)
	}
	return f, nil
}

// readLength reads the rest of a length that must be in its shortest form.
func readLength(r io.Reader, short byte) (uint64, error) {
	var b [8]byte
	switch short {
	default:
		return uint64(short), nil
	case 126:
		if _, err := io.ReadFull(r, b[6:]); err != nil {
			return 0, noEOF(err)
		}
	case 127:
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return 0, noEOF(err)
		}
	}
	length := binary.BigEndian.Uint64(b[:])
	if short == 126 && length < 126 || short == 127 && length <= 0xFFFF {
		return 0, fmt.Errorf("length %d is not in its shortest form", length)
	}
	if length > 1<<30 {
		return 0, fmt.Errorf("length %d is absurd", length)
	}
	return length, nil
}

func appendUnmasked(dst, payload []byte, key [4]byte) []byte {
	for i, b := range payload {
		dst = append(dst, b^key[i%4])
	}
	return dst
}

// noEOF is for the end of a connection where none may be.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (f frame) equal(g frame) bool {
	return f.op == g.op && f.more == g.more && f.rsv == g.rsv && bytes.Equal(f.payload, g.payload)
}

// String shows what matters of f, and not all of a long payload.
func (f frame) String() string {
	s := f.op.String()
	if f.more {
		s += " without FIN"
	}
	if f.rsv != 0 {
		s += fmt.Sprintf(" with reserved bits %03b", f.rsv)
	}
	const shown = 40
	if len(f.payload) > shown {
		return fmt.Sprintf("%s %q... of %d bytes", s, f.payload[:shown], len(f.payload))
	}
	return fmt.Sprintf("%s %q", s, f.payload)
}
