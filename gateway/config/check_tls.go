package config

import (
	"strings"
)

// On reports whether the server speaks TLS.
func (t *TLS) On() bool { return t.Cert != "" || t.Key != "" || len(t.ACME) > 0 }

func (c *checker) checkTLS() {
	t := &c.settings.TLS
	files := t.Cert != "" || t.Key != ""
	switch {
	case t.Cert == "" && t.Key != "":
		c.say("tls.key", "needs tls.cert, the certificate that it belongs to")
	case t.Key == "" && t.Cert != "":
		c.say("tls.cert", "needs tls.key, its private key")
	case files && len(t.ACME) > 0:
		c.say("tls.acme", "does not go with tls.cert: a certificate comes from files or by ACME")
	case files:
		if _, err := readPair(t.Cert, t.Key); err != nil {
			c.say("tls.cert", "%s", strings.TrimPrefix(err.Error(), "tls: "))
		}
	}
	c.checkACME(t)
}
