package config

import (
	"crypto/tls"
	"net/url"
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
		if _, err := tls.LoadX509KeyPair(t.Cert, t.Key); err != nil {
			c.say("tls.cert", "%s", strings.TrimPrefix(err.Error(), "tls: "))
		}
	}
	c.checkACME(t)
}

func (c *checker) checkACME(t *TLS) {
	for _, name := range t.ACME {
		if strings.ContainsAny(name, "*:/ ") || !strings.Contains(name, ".") || isIP(name) {
			c.say("tls.acme", "%q is not the name of a host in the Internet, such as app.example.com", name)
		}
	}
	if len(t.ACME) > 0 && t.ACMECache == "" {
		c.say("tls.acme", "needs tls.acme_cache, a folder that only this user can read, as the authority makes only a few a week")
	}
	if t.ACMEDirectory != "" {
		if u, err := url.Parse(t.ACMEDirectory); err != nil || u.Scheme != "https" || u.Host == "" {
			c.say("tls.acme_directory", "%q is not an address such as https://acme-v02.api.letsencrypt.org/directory", t.ACMEDirectory)
		}
	}
	if len(t.ACME) > 0 {
		return
	}
	for path, value := range map[string]string{
		"tls.acme_cache": t.ACMECache, "tls.acme_email": t.ACMEEmail, "tls.acme_directory": t.ACMEDirectory,
	} {
		if value != "" {
			c.say(path, "means nothing without tls.acme, the names to have certificates for")
		}
	}
}
