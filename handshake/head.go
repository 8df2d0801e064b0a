package handshake

import (
	"net/http"
	"strings"
)

// Head is what the rules of the opening handshake look at in a request: its
// first line and a few fields. It comes from [HeadOf] or from [Head.Parse]; the
// rules do not tell which. The zero value breaks them.
type Head struct {
	method       string
	host         string
	major, minor int
	body         bool // a body follows, or may

	header http.Header    // of HeadOf
	lone   [fields]string // of Parse: the only line of each field
	there  [fields]bool

	offered offered
}

// field is one that the rules look at.
type field uint8

const (
	hostField field = iota
	upgradeField
	connectionField
	versionField
	keyField
	subprotocolField
	extensionsField
	originField
	fields // how many there are
)

// fieldKeys are the fields as net/http spells them in its maps.
var fieldKeys = [fields]string{
	fieldHost, fieldUpgrade, fieldConnection, fieldVersion, fieldKey, fieldSubprotocol, fieldExtensions, fieldOrigin,
}

// HeadOf returns the head of a request that net/http has read, and refers to it.
func HeadOf(r *http.Request) Head {
	return Head{
		method: r.Method,
		host:   r.Host,
		major:  r.ProtoMajor,
		minor:  r.ProtoMinor,
		body:   r.ContentLength != 0 || len(r.TransferEncoding) > 0,
		header: r.Header,
	}
}

// Parse reads the head of a request, from its first byte to the empty line that
// ends it, without allocating. It takes only what is plainly regular, which the
// requests of browsers and of the usual clients are:
//
//   - the method GET, a target that is a path, with a query perhaps, of the
//     characters that RFC 3986 has for them, none of them escaped in the path,
//     and HTTP/1.1;
//   - lines that end in CR LF and hold printable ASCII;
//   - no Content-Length, Transfer-Encoding or Trailer, and none of the fields of
//     the handshake more than once.
//
// For anything else it reports false: that request may be right or wrong, and
// [http.ReadRequest] has to tell. What Parse takes, http.ReadRequest reads, too,
// and with the same result.
//
// The Head, and any [Offer] that comes from it, refers to head.
func (h *Head) Parse(head string) bool {
	*h = Head{method: http.MethodGet, major: 1, minor: 1}
	line, rest, ok := strings.Cut(head, "\r\n")
	if !ok || !isPlainRequestLine(line) {
		return false
	}
	for {
		if line, rest, ok = strings.Cut(rest, "\r\n"); !ok {
			return false
		}
		if line == "" {
			h.host = h.lone[hostField]
			return rest == ""
		}
		if !h.readField(line) {
			return false
		}
	}
}

// readField takes one line of the header and reports whether it is regular.
func (h *Head) readField(line string) bool {
	name, value, ok := strings.Cut(line, ":")
	if !ok || !isToken(name) || !isPlainValue(value) {
		return false
	}
	f, plain := fieldNamed(name)
	switch {
	case !plain || f < fields && h.there[f]:
		return false
	case f < fields:
		h.lone[f], h.there[f] = trimSpace(value), true
	}
	return true
}

// fieldNamed returns the field of that name, fields if the rules do not look at
// it. plain is false if it says that more follows than the head.
func fieldNamed(name string) (f field, plain bool) {
	for f, key := range fieldKeys {
		if equalFold(name, key) {
			return field(f), true
		}
	}
	return fields, !equalFold(name, "Content-Length") && !equalFold(name, "Transfer-Encoding") && !equalFold(name, "Trailer")
}

// lines returns the values of a field, as they would stand in an [http.Header].
func (h *Head) lines(f field) []string {
	switch {
	case h.header != nil:
		return h.header[fieldKeys[f]]
	case h.there[f]:
		return h.lone[f : f+1]
	}
	return nil
}

func isPlainRequestLine(line string) bool {
	target, ok := strings.CutPrefix(line, "GET /")
	if !ok {
		return false
	}
	if target, ok = strings.CutSuffix(target, " HTTP/1.1"); !ok || strings.HasPrefix(target, "/") {
		return false
	}
	query := false
	for i := 0; i < len(target); i++ {
		switch c := target[i]; {
		case isAlphanumeric(c), strings.IndexByte("-._~!$&'()*+,;=:@/", c) >= 0:
		case c == '?':
			query = true
		case c != '%' || !query:
			return false
		}
	}
	return true
}

// isPlainValue reports whether s is printable ASCII, spaces and tabs.
func isPlainValue(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; (c < ' ' || c > '~') && c != '\t' {
			return false
		}
	}
	return true
}
