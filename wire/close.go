package wire

import (
	"encoding/binary"
	"strconv"
	"unicode/utf8"
)

// CloseCode is a close code: why a connection ends (RFC 6455 §7.4). Applications may use 3000 to 4999.
type CloseCode uint16

// The close codes of RFC 6455 §7.4.1 and the registry it set up.
const (
	NormalClosure      CloseCode = 1000 // the purpose is fulfilled
	GoingAway          CloseCode = 1001 // the server goes down or the page was left
	ProtocolError      CloseCode = 1002 // the peer broke the protocol
	UnsupportedData    CloseCode = 1003 // a type of data that this end cannot accept
	NoStatus           CloseCode = 1005 // never sent: the close frame had no code
	AbnormalClosure    CloseCode = 1006 // never sent: the connection ended without a close frame
	InvalidPayload     CloseCode = 1007 // data inconsistent with the message's type, such as text that is not UTF-8
	PolicyViolation    CloseCode = 1008 // a policy of this end was violated
	MessageTooBig      CloseCode = 1009 // a message larger than this end accepts
	MandatoryExtension CloseCode = 1010 // the client wanted an extension that the server did not agree to
	InternalError      CloseCode = 1011 // the server met an unexpected condition
	ServiceRestart     CloseCode = 1012 // the service restarts: come back after a random delay
	TryAgainLater      CloseCode = 1013 // the service is overloaded
	BadGateway         CloseCode = 1014 // an upstream server answered nonsense
	TLSHandshake       CloseCode = 1015 // never sent: the TLS handshake failed
)

// MaxReason is the longest reason in bytes that fits into a close frame beside its code.
const MaxReason = MaxControlPayload - 2

// codeNames holds the meanings by code, from NormalClosure on.
var codeNames = [...]string{
	"normal closure", "going away", "protocol error", "unsupported data", "", "no status", "abnormal closure",
	"invalid payload", "policy violation", "message too big", "mandatory extension", "internal error",
	"service restart", "try again later", "bad gateway", "tls handshake failed",
}

// String returns the number, and its meaning where the registry knows one.
func (c CloseCode) String() string {
	s := strconv.Itoa(int(c))
	if i := int(c) - int(NormalClosure); i >= 0 && i < len(codeNames) && codeNames[i] != "" {
		s += " " + codeNames[i]
	}
	return s
}

// Sendable reports whether c may stand in a close frame: 1000 to 1003, 1007 to 1014, 3000 to 4999 (RFC 6455 §7.4).
func (c CloseCode) Sendable() bool {
	switch {
	case c >= 3000 && c <= 4999:
		return true
	case c >= NormalClosure && c <= BadGateway:
		return c != 1004 && c != NoStatus && c != AbnormalClosure
	}
	return false
}

// ParseClose reads the payload of a close frame. Without a code it returns NoStatus. The error is an [*Error]: a
// payload of one byte or a code that may not be sent is a protocol error, a reason that is not UTF-8 an invalid
// payload (RFC 6455 §5.5.1).
func ParseClose(payload []byte) (CloseCode, string, error) {
	if len(payload) == 0 {
		return NoStatus, "", nil
	}
	if len(payload) == 1 {
		return 0, "", protocolError("close frame with half a code")
	}
	code := CloseCode(binary.BigEndian.Uint16(payload))
	if !code.Sendable() {
		return 0, "", protocolError("close code that may not be sent")
	}
	if !utf8.Valid(payload[2:]) {
		return 0, "", &Error{Code: InvalidPayload, Reason: "close reason is not valid UTF-8"}
	}
	return code, string(payload[2:]), nil
}

// AppendClose appends the payload of a close frame. NoStatus gives the empty one. A reason longer than [MaxReason]
// is cut at the last character that fits; bytes that are not UTF-8 are replaced.
func AppendClose(dst []byte, code CloseCode, reason string) []byte {
	if code == NoStatus {
		return dst
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(code))
	left := MaxReason
	for _, r := range reason {
		left -= utf8.RuneLen(r)
		if left < 0 {
			break
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}
