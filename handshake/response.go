package handshake

import "net/http"

// Agreement is what client and server settled on besides the connection itself:
// for a server the answer it gives by [AppendResponse], for a client the one it
// gets from [CheckResponse].
type Agreement struct {
	Subprotocol string   // "" for none
	Deflate     *Deflate // parameters of permessage-deflate, nil for no compression
}

// AppendResponse appends the complete 101 response with which a server accepts
// the handshake of key (RFC 6455 §4.2.2). The connection speaks WebSocket from
// the next byte on. The fields of extra, which may be nil, are added in the
// order of their names.
//
// The error is a *HeaderError if extra has a field that the handshake sets
// itself or that is malformed, or if the subprotocol is no token; a
// *DeflateError if the parameters of Deflate may not stand in a response. Then
// nothing is appended.
func AppendResponse(dst []byte, key string, a Agreement, extra http.Header) ([]byte, error) {
	if err := a.check(); err != nil {
		return dst, err
	}
	if err := checkHeader(extra); err != nil {
		return dst, err
	}
	dst = append(dst, "HTTP/1.1 101 Switching Protocols\r\n"+
		"Upgrade: websocket\r\n"+
		"Connection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: "...)
	dst = append(appendAcceptKey(dst, key), "\r\n"...)
	if a.Subprotocol != "" {
		dst = appendField(dst, "Sec-WebSocket-Protocol", a.Subprotocol)
	}
	if a.Deflate != nil {
		dst = append(dst, "Sec-WebSocket-Extensions: "...)
		dst = append(a.Deflate.append(dst), "\r\n"...)
	}
	dst = appendHeader(dst, extra)
	return append(dst, "\r\n"...), nil
}

func (a Agreement) check() error {
	if a.Subprotocol != "" && !isToken(a.Subprotocol) {
		return subprotocolError(quote(a.Subprotocol) + " is not a token")
	}
	if a.Deflate == nil {
		return nil
	}
	if a.Deflate.ClientMaxWindowBits == AnyWindowBits {
		return &DeflateError{paramClientMaxWindowBits, "a response has to give its value"}
	}
	return a.Deflate.Validate()
}
