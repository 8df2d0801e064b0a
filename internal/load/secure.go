package load

import (
	"crypto/tls"
	"errors"
	"fmt"
)

// adviseOnTLS says what to do about a TLS handshake that failed.
func adviseOnTLS(err error, t *target) error {
	var notTLS tls.RecordHeaderError
	var untrusted *tls.CertificateVerificationError
	switch {
	case errors.As(err, &notTLS):
		return fmt.Errorf("the server does not speak TLS on this port: try ws://%s (%w)", t.authority, err)
	case errors.As(err, &untrusted):
		return fmt.Errorf("%w; --insecure accepts any certificate, for a test", err)
	}
	return err
}

// wantsTLS suspects a server of that which has cut the first connection without an answer.
func (t *target) wantsTLS(open int64) string {
	if t.secure || open > 0 {
		return ""
	}
	return "; perhaps it is no web server, or it wants TLS: wss://" + t.authority
}
