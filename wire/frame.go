package wire

// header takes the bytes of a frame header from p. When the header is complete it begins the frame.
func (d *Decoder) header(p []byte) (rest []byte) {
	head, had := p, int(d.headLen)
	if had > 0 {
		head = d.head[:had+copy(d.head[had:], p)]
	}
	h, size, err := ParseHeader(head)
	if err := d.judge(&h, len(head), err); err != nil {
		d.fail(err)
		return nil
	}
	if size == 0 {
		d.headLen = uint8(copy(d.head[:], head))
		return nil
	}
	d.headLen = 0
	d.begin(&h)
	return p[size-had:]
}

// judge applies the rules to a header of which have bytes have come, each as soon as the bytes that decide it are
// there and in the order of those bytes, so that an error does not depend on how they were cut.
func (d *Decoder) judge(h *Header, have int, parsing error) *Error {
	if err := d.judgeFirstByte(h); err != nil {
		return err
	}
	if have >= 2 {
		if err := d.judgeSecondByte(h); err != nil {
			return err
		}
	}
	if parsing != nil {
		return parsing.(*Error)
	}
	return nil
}

// judgeFirstByte checks the opcode, the reserved bits and the order of frames (RFC 6455 §5.2, §5.4; RFC 7692 §6).
func (d *Decoder) judgeFirstByte(h *Header) *Error {
	if err := h.checkFirstByte(); err != nil {
		return err
	}
	switch {
	case h.RSV2 || h.RSV3:
		return protocolError("reserved bit set")
	case h.RSV1 && d.inflate == nil:
		return protocolError("reserved bit set without an extension")
	case h.RSV1 && h.Opcode.IsControl():
		return protocolError("compressed control frame")
	case h.RSV1 && h.Opcode == OpContinuation:
		return protocolError("compression bit on a continuation frame")
	case h.Opcode == OpContinuation && d.message == 0:
		return protocolError("continuation frame without a message to continue")
	case (h.Opcode == OpText || h.Opcode == OpBinary) && d.message != 0:
		return protocolError("new message inside a fragmented one")
	}
	return nil
}

// judgeSecondByte checks the masking, and the close frame that cannot be right (RFC 6455 §5.1, §5.5.1).
func (d *Decoder) judgeSecondByte(h *Header) *Error {
	switch {
	case h.Masked && d.role == Client:
		return protocolError("masked frame from a server")
	case !h.Masked && d.role == Server:
		return protocolError("unmasked frame from a client")
	case h.Opcode == OpClose && h.Length == 1:
		return protocolError("close frame with half a code")
	}
	return nil
}

// begin starts the frame that h declares, if it is within the limits.
func (d *Decoder) begin(h *Header) {
	if !h.Opcode.IsControl() {
		if err := d.admit(h); err != nil {
			d.fail(err)
			return
		}
	}
	d.inFrame = true
	d.op, d.fin, d.masked, d.key, d.left = h.Opcode, h.Fin, h.Masked, h.Key, h.Length
}

// admit counts the data frame that h declares to its message and applies the limits.
func (d *Decoder) admit(h *Header) *Error {
	if h.Opcode != OpContinuation {
		d.message, d.rsv1 = h.Opcode, h.RSV1
		d.size, d.frames = 0, 0
	}
	d.frames++
	if limit := d.limits.fragments(); limit > 0 && int(d.frames) > limit {
		return tooBig("message in too many fragments")
	}
	if limit := d.limits.frame(); limit > 0 && h.Length > limit {
		return tooBig("frame is too big")
	}
	if limit := d.wireLimit(); limit >= 0 && h.Length > limit-d.size {
		return tooBig("message is too big")
	}
	d.size += h.Length
	return nil
}

// wireLimit is the limit on a message as it travels. Compressing what cannot be compressed makes it longer, by an
// eighth with the fixed Huffman code, and a message that is within the limit must not be refused for that.
func (d *Decoder) wireLimit() int64 {
	limit := d.limits.message()
	if d.rsv1 && limit > 0 {
		limit += limit>>3 + 64
	}
	return limit
}
