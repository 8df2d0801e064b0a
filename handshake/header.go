package handshake

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// The fields of the handshake as net/http spells them in its maps.
const (
	fieldAccept      = "Sec-Websocket-Accept"
	fieldConnection  = "Connection"
	fieldExtensions  = "Sec-Websocket-Extensions"
	fieldHost        = "Host"
	fieldKey         = "Sec-Websocket-Key"
	fieldOrigin      = "Origin"
	fieldSubprotocol = "Sec-Websocket-Protocol"
	fieldUpgrade     = "Upgrade"
	fieldVersion     = "Sec-Websocket-Version"
)

// version is the only version of the protocol there is (RFC 6455 §4.1).
const version = "13"

// HeaderError reports a header field that may not be sent, because the
// handshake itself sets it or its name or value is malformed, or one received
// that breaks the grammar RFC 6455 §4.3 gives for it.
type HeaderError struct {
	Name   string // of the field
	Reason string // what is wrong with it
}

func (e *HeaderError) Error() string { return "header " + e.Name + ": " + e.Reason }

// checkHeader reports as a *HeaderError the first field of extra, in the order
// of names, that a caller may not add to a handshake.
func checkHeader(extra http.Header) error {
	for _, name := range fieldNames(extra) {
		if !isToken(name) {
			return &HeaderError{Name: quote(name), Reason: "not a field name"}
		}
		if isReserved(name) {
			return &HeaderError{Name: name, Reason: "set by the handshake itself"}
		}
		for _, value := range extra[name] {
			if !isFieldValue(value) {
				return &HeaderError{Name: name, Reason: "control character in the value"}
			}
		}
	}
	return nil
}

// isReserved reports whether a field belongs to the handshake or to the framing
// of HTTP messages, where a second opinion makes two readings of one message.
func isReserved(name string) bool {
	const prefix = "sec-websocket-"
	if len(name) >= len(prefix) && equalFold(name[:len(prefix)], prefix) {
		return true
	}
	return equalFold(name, fieldUpgrade) || isFraming(name)
}

// isFraming reports whether a field says where a message ends, whose it is or
// what becomes of the connection after it.
func isFraming(name string) bool {
	for _, framing := range [...]string{
		fieldConnection, "Content-Length", fieldHost, "Keep-Alive", "TE", "Trailer", "Transfer-Encoding",
	} {
		if equalFold(name, framing) {
			return true
		}
	}
	return false
}

// isFieldValue reports whether s may stand in a header line: no control
// character but the tab, so no line can end early (RFC 9110 §5.5).
func isFieldValue(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// appendHeader appends the lines of h in the order of names.
func appendHeader(dst []byte, h http.Header) []byte {
	for _, name := range fieldNames(h) {
		for _, value := range h[name] {
			dst = appendField(dst, name, value)
		}
	}
	return dst
}

func appendField(dst []byte, name, value string) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	dst = append(dst, value...)
	return append(dst, "\r\n"...)
}

// fieldNames lists the names in h, sorted, so that the same header is always
// the same bytes.
func fieldNames(h http.Header) []string {
	if len(h) == 0 {
		return nil
	}
	return slices.Sorted(maps.Keys(h))
}

// quote shows a string that a peer chose: printable, on one line, not long.
func quote(s string) string {
	const longest = 64
	shown := strings.Map(func(r rune) rune {
		if r < ' ' || r == '"' || r > '~' {
			return '?'
		}
		return r
	}, s[:min(len(s), longest)])
	if len(s) > longest {
		shown += "..."
	}
	return `"` + shown + `"`
}
