package wire

import (
	"encoding/binary"
	"math/bits"
)

// MaxHeaderSize is the length in bytes of the longest frame header: two bytes, a 64-bit length and a masking key.
const MaxHeaderSize = 14

// MaxControlPayload is the longest payload in bytes that a control frame may carry (RFC 6455 §5.5).
const MaxControlPayload = 125

const (
	bitFin  = 0x80
	bitRSV1 = 0x40
	bitRSV2 = 0x20
	bitRSV3 = 0x10
	bitMask = 0x80

	length16 = 126 // the next 2 bytes are the length
	length64 = 127 // the next 8 bytes are the length
)

// Header is a frame header (RFC 6455 §5.2).
type Header struct {
	Fin    bool   // this is the last fragment of its message
	RSV1   bool   // the message is compressed (RFC 7692 §6)
	RSV2   bool   // has no meaning yet
	RSV3   bool   // has no meaning yet
	Opcode Opcode // what the payload is
	Masked bool   // Key is on the wire
	Key    uint32 // the masking key, its first byte lowest, as Mask takes it
	Length int64  // the payload's length in bytes
}

// PackedHeader is a header in its encoded form: the first Size bytes of Lo and then Hi, of both the lowest first. It fits
// into registers.
type PackedHeader struct {
	Lo, Hi uint64
	Size   int
}

// AppendHeader appends the encoded form of h to dst. It does not judge h: a caller that wants to break the rules,
// such as a test, can.
func AppendHeader(dst []byte, h Header) []byte {
	p := h.Pack()
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], p.Lo)
	binary.LittleEndian.PutUint64(b[8:], p.Hi)
	return append(dst, b[:p.Size]...)
}

// Pack returns the encoded form of h. Like AppendHeader it does not judge.
func (h *Header) Pack() PackedHeader {
	if h.Masked {
		return h.firstByte().pack(bitMask, uint64(h.Length)).withKey(h.Key)
	}
	return h.firstByte().pack(0, uint64(h.Length))
}

func (h *Header) firstByte() FirstByte {
	b := FirstByte(h.Opcode) & 0xF
	if h.Fin {
		b |= Fin
	}
	if h.RSV1 {
		b |= RSV1
	}
	if h.RSV2 {
		b |= bitRSV2
	}
	if h.RSV3 {
		b |= bitRSV3
	}
	return b
}

// FirstByte is what a frame begins with: Fin, RSV1 and the opcode, added up (RFC 6455 §5.2).
type FirstByte byte

const (
	Fin  FirstByte = bitFin  // this is the last fragment of its message
	RSV1 FirstByte = bitRSV1 // the message is compressed (RFC 7692 §6)
)

// Pack returns the encoded form of the header of a frame that is not masked, as a server sends it, with a payload of
// length bytes. It is the short way of [Header.Pack].
func (b FirstByte) Pack(length int) PackedHeader { return b.pack(0, uint64(length)) }

// PackMasked is Pack for a frame that is masked with key, as a client sends it.
func (b FirstByte) PackMasked(length int, key uint32) PackedHeader {
	return b.pack(bitMask, uint64(length)).withKey(key)
}

// pack does without the key.
func (b FirstByte) pack(mask, length uint64) PackedHeader {
	first := uint64(b)
	if length < length16 {
		return PackedHeader{Lo: first | (mask|length)<<8, Size: 2}
	}
	if length <= 0xFFFF {
		return PackedHeader{Lo: first | (mask|length16)<<8 | uint64(bits.ReverseBytes16(uint16(length)))<<16, Size: 4}
	}
	reversed := bits.ReverseBytes64(length)
	return PackedHeader{Lo: first | (mask|length64)<<8 | reversed<<16, Hi: reversed >> 48, Size: 10}
}

// withKey returns p with the masking key behind the length.
func (p PackedHeader) withKey(key uint32) PackedHeader {
	if p.Size < 8 {
		p.Lo |= uint64(key) << (8 * p.Size)
	} else {
		p.Hi |= uint64(key) << (8 * (p.Size - 8))
	}
	p.Size += 4
	return p
}

// ParseHeader reads the header that p starts with and returns its size in bytes. While p is too short to hold it
// all, the size is 0 and the error nil, unless the bytes that are there already break a rule that holds for both
// roles and every extension: a reserved opcode, a control frame that is fragmented or longer than 125 bytes, a length
// that is not in its shortest form or has the top bit set. The error is an [*Error]. Masking, reserved bits and the
// order of frames are judged by [Decoder], which knows the role and what went before.
func ParseHeader(p []byte) (h Header, size int, err error) {
	if len(p) == 0 {
		return h, 0, nil
	}
	h.Fin, h.Opcode = p[0]&bitFin != 0, Opcode(p[0]&0xF)
	h.RSV1, h.RSV2, h.RSV3 = p[0]&bitRSV1 != 0, p[0]&bitRSV2 != 0, p[0]&bitRSV3 != 0
	if err := h.checkFirstByte(); err != nil {
		return h, 0, err
	}
	if len(p) == 1 {
		return h, 0, nil
	}
	h.Masked = p[1]&bitMask != 0
	size, err = h.parseLength(p)
	if err != nil || size == 0 || !h.Masked {
		return h, size, err
	}
	if len(p) < size+4 {
		return h, 0, nil
	}
	h.Key = binary.LittleEndian.Uint32(p[size:])
	return h, size + 4, nil
}

// checkFirstByte applies the rules on the first byte that hold for all.
func (h *Header) checkFirstByte() *Error {
	if h.Opcode.IsReserved() {
		return protocolError("reserved opcode")
	}
	if h.Opcode.IsControl() && !h.Fin {
		return protocolError("fragmented control frame")
	}
	return nil
}

// parseLength reads the length that begins in p[1] and returns the size of the header up to its end, 0 if p is too
// short.
func (h *Header) parseLength(p []byte) (size int, err error) {
	short := p[1] &^ bitMask
	if h.Opcode.IsControl() && short > MaxControlPayload {
		return 0, protocolError("control frame longer than 125 bytes")
	}
	switch {
	case short < length16:
		h.Length = int64(short)
		return 2, nil
	case short == length16:
		return h.parseLength16(p)
	}
	return h.parseLength64(p)
}

func (h *Header) parseLength16(p []byte) (size int, err error) {
	if len(p) < 4 {
		return 0, nil
	}
	h.Length = int64(binary.BigEndian.Uint16(p[2:]))
	if h.Length < length16 {
		return 0, protocolError("length not in its shortest form")
	}
	return 4, nil
}

func (h *Header) parseLength64(p []byte) (size int, err error) {
	if len(p) > 2 && p[2]&0x80 != 0 {
		return 0, protocolError("64-bit length with the top bit set")
	}
	if len(p) >= 8 && binary.BigEndian.Uint64(p)<<16 == 0 { // all but the last two bytes of the length
		return 0, protocolError("length not in its shortest form")
	}
	if len(p) < 10 {
		return 0, nil
	}
	h.Length = int64(binary.BigEndian.Uint64(p[2:]))
	return 10, nil
}
