package wire

// AppendFrame appends a frame with the header h and the given payload to dst. The header's Length is taken from the
// payload; if Masked is set, what is appended of the payload is masked with Key, and the payload itself stays as it
// is. It does not judge h.
func AppendFrame(dst []byte, h Header, payload []byte) []byte {
	h.Length = int64(len(payload))
	dst = AppendHeader(dst, h)
	start := len(dst)
	dst = append(dst, payload...)
	if h.Masked {
		Mask(dst[start:], h.Key)
	}
	return dst
}
