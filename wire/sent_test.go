package wire

import "slices"

// sent is a frame as the peer in a test sends it.
type sent struct {
	op       Opcode
	payload  string
	form     form
	declared uint64 // the length in the header, where it is not that of payload
}

// form is how a frame differs from a plain one.
type form uint8

const (
	more     form = 1 << iota // Fin is clear
	rsv1                      // RSV1 is set
	rsv2                      // RSV2 is set
	rsv3                      // RSV3 is set
	misMask                   // masked by a server, or not masked by a client
	length2B                  // the length takes 2 bytes, even if it needs none
	length8B                  // the length takes 8 bytes, even if it needs fewer
)

// header encodes the frame's header for the end that plays receiver.
func (s sent) header(receiver Role) []byte {
	h := Header{
		Fin: s.form&more == 0, RSV1: s.form&rsv1 != 0, RSV2: s.form&rsv2 != 0, RSV3: s.form&rsv3 != 0,
		Opcode: s.op, Masked: s.masked(receiver), Key: testKey, Length: int64(len(s.payload)),
	}
	if s.declared != 0 {
		h.Length = int64(s.declared)
	}
	n := h.Length
	switch {
	case s.form&length2B != 0:
		h.Length = 0
		p := AppendHeader(nil, h)
		p[1] |= length16
		return slices.Insert(p, 2, byte(n>>8), byte(n))
	case s.form&length8B != 0:
		h.Length = 0
		p := AppendHeader(nil, h)
		p[1] |= length64
		return slices.Insert(p, 2, byte(n>>56), byte(n>>48), byte(n>>40), byte(n>>32),
			byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return AppendHeader(nil, h)
}

func (s sent) masked(receiver Role) bool { return (receiver == Server) != (s.form&misMask != 0) }

func (s sent) append(dst []byte, receiver Role) []byte {
	dst = append(dst, s.header(receiver)...)
	start := len(dst)
	dst = append(dst, s.payload...)
	if s.masked(receiver) {
		maskByteLoop(dst[start:], dst[start:], testKey)
	}
	return dst
}

// encode joins the frames as they travel to the end that plays receiver.
func encode(frames []sent, receiver Role) (p []byte) {
	for _, s := range frames {
		p = s.append(p, receiver)
	}
	return p
}

// place is a byte among frames: the n-th, counted from 1, of the header or of the payload of one of them. Without
// either it is the last byte of the header.
type place struct{ frame, header, payload int }

// bytes returns how many bytes there are up to the place and with it.
func (at place) bytes(frames []sent, receiver Role) int {
	before := len(encode(frames[:at.frame], receiver))
	if at.header > 0 {
		return before + at.header
	}
	return before + len(frames[at.frame].header(receiver)) + at.payload
}
