package handshake

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// Refusal is a server's answer to a handshake it does not accept, and an error.
// [CheckRequest] and [CheckOrigin] return one; an application makes its own to
// refuse for its own reasons (401, 503, ...). It is sent by [Refusal.ServeHTTP]
// or, where there is no net/http server, as the bytes of [AppendRefusal].
type Refusal struct {
	Status int         // HTTP status, 400 if zero
	Reason string      // one sentence: why and, where useful, what to do; shown to the peer
	Header http.Header // further fields of the response; may be nil
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("opening handshake refused with %d: %s", r.status(), r.reason())
}

// ServeHTTP answers the request with the refusal, its reason as plain text.
func (r *Refusal) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	header := w.Header()
	for name, values := range r.Header {
		if isRefusalField(name) {
			header[name] = values
		}
	}
	if r.offersUpgrade() {
		header.Set(fieldConnection, "Upgrade")
	}
	header.Del("Content-Length") // whoever set it did not mean this body
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(r.status())
	_, _ = io.WriteString(w, r.reason()+"\n") // nobody is left to tell
}

// AppendRefusal appends the complete HTTP/1.1 response that r is: the status
// line, the header with Content-Length and Connection: close, and the reason as
// plain text. The connection is to be closed after it. Fields of r.Header that
// are malformed or belong to the framing are left out.
func AppendRefusal(dst []byte, r *Refusal) []byte {
	status, body := r.status(), r.reason()
	dst = append(dst, "HTTP/1.1 "...)
	dst = strconv.AppendInt(dst, int64(status), 10)
	dst = append(append(dst, ' '), http.StatusText(status)...)
	dst = append(dst, "\r\nConnection: close"...)
	if r.offersUpgrade() {
		dst = append(dst, ", Upgrade"...)
	}
	dst = append(dst, "\r\nContent-Type: text/plain; charset=utf-8"...)
	dst = append(dst, "\r\nX-Content-Type-Options: nosniff"...)
	dst = append(dst, "\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(body)+len("\n")), 10)
	dst = append(dst, "\r\n"...)
	for _, name := range fieldNames(r.Header) {
		for _, value := range r.Header[name] {
			if isRefusalField(name) && isFieldValue(value) {
				dst = appendField(dst, name, value)
			}
		}
	}
	dst = append(dst, "\r\n"...)
	return append(append(dst, body...), '\n')
}

// isRefusalField reports whether a refusal may add the field to its response:
// all but those that say how long the body is and what it holds.
func isRefusalField(name string) bool {
	return isToken(name) && !isFraming(name) && !equalFold(name, "Content-Type") &&
		!equalFold(name, "Content-Encoding") && !equalFold(name, "X-Content-Type-Options")
}

// offersUpgrade reports whether the response names a protocol to upgrade to,
// which Connection has to announce (RFC 9110 §7.8).
func (r *Refusal) offersUpgrade() bool { return len(r.Header[fieldUpgrade]) > 0 }

// status returns the status to send. One that would accept, carry no body or be
// no status at all is the mistake of the server.
func (r *Refusal) status() int {
	switch s := r.Status; {
	case s == 0:
		return http.StatusBadRequest
	case s < 300 || s > 599 || s == http.StatusNotModified:
		return http.StatusInternalServerError
	default:
		return s
	}
}

func (r *Refusal) reason() string {
	if r.Reason == "" {
		return http.StatusText(r.status())
	}
	return r.Reason
}
