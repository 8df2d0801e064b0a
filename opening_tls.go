package molva

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
)

// plainProtocols are those of plain requests. To net/http, connections are unencrypted that it is handed: of TLS it sees
// the inside only.
func plainProtocols() *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(true)
	p.SetUnencryptedHTTP2(true)
	return p
}

// tlsKey is the key of the TLS connection in a request's context.
type tlsKey struct{}

// withTLS notes the TLS connection that nc is, or is made of.
func withTLS(ctx context.Context, nc net.Conn) context.Context {
	if early, ok := nc.(*earlyConn); ok {
		nc = early.Conn
	}
	if t, ok := nc.(*tls.Conn); ok {
		return context.WithValue(ctx, tlsKey{}, t)
	}
	return ctx
}

// noteTLS sets Request.TLS where net/http could not know of it.
func noteTLS(r *http.Request) {
	if t, ok := r.Context().Value(tlsKey{}).(*tls.Conn); ok && r.TLS == nil {
		state := t.ConnectionState()
		r.TLS = &state
	}
}
