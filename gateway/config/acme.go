package config

import (
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"

	"golang.org/x/crypto/acme"

	"github.com/molva-ws/molva/gateway/authority"
)

// authority returns what has certificates made.
func (s *Settings) authority(log *slog.Logger) (*authority.Authority, error) {
	t := &s.TLS
	o := authority.Options{
		Names:     t.ACME,
		Cache:     t.ACMECache,
		Email:     t.ACMEEmail,
		Directory: t.ACMEDirectory,
		Patience:  s.Limits.HandshakeTime,
		Logger:    log,
	}
	var err error
	if t.ACMERoots != "" {
		if o.Roots, err = readRoots(t.ACMERoots); err != nil {
			return nil, fmt.Errorf("tls.acme_roots: %w", err)
		}
	}
	if t.ACMEEABID != "" {
		o.Binding = &acme.ExternalAccountBinding{KID: t.ACMEEABID}
		if o.Binding.Key, err = bindingKey(t.ACMEEABKey); err != nil {
			return nil, fmt.Errorf("tls.acme_eab_key: %w", err)
		}
	}
	return authority.New(o)
}

// readRoots reads a file of certificates in PEM.
func readRoots(file string) (*x509.CertPool, error) {
	text, err := readFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s %w", file, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s has no certificate in PEM", file)
	}
	return pool, nil
}

// bindingKey reads a key as authorities show it: in base64 for URLs, some with = at the end.
func bindingKey(text string) ([]byte, error) {
	key, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil || len(key) == 0 {
		return nil, fmt.Errorf("is not a key in base64url, as the authority shows it") // which is a secret
	}
	return key, nil
}

func (c *checker) checkACME(t *TLS) {
	for _, name := range t.ACME {
		if strings.ContainsAny(name, "*:/ ") || !strings.Contains(name, ".") || isIP(name) {
			c.say("tls.acme", "%q is not the name of a host in the Internet, such as app.example.com", name)
		}
	}
	if len(t.ACME) == 0 {
		c.checkNoACME(t)
	} else if t.ACMECache == "" {
		c.say("tls.acme", "needs tls.acme_cache, a folder that only this user can read, as the authority makes only a few a week")
	}
	if info, err := os.Stat(t.ACMECache); err == nil && !info.IsDir() {
		c.say("tls.acme_cache", "%s is no folder; one that is not there is made", t.ACMECache)
	}
	if t.ACMEDirectory != "" {
		if u, err := url.Parse(t.ACMEDirectory); err != nil || u.Scheme != "https" || u.Host == "" {
			c.say("tls.acme_directory", "%q is not an address such as https://acme-v02.api.letsencrypt.org/directory", t.ACMEDirectory)
		}
	}
	if t.ACMERoots != "" {
		if _, err := readRoots(t.ACMERoots); err != nil {
			c.say("tls.acme_roots", "%v", err)
		}
	}
	c.checkBinding(t)
}

// checkBinding looks at the account elsewhere, which has a name and a key.
func (c *checker) checkBinding(t *TLS) {
	switch {
	case t.ACMEEABID != "" && t.ACMEEABKey == "":
		c.say("tls.acme_eab_id", "needs tls.acme_eab_key, its key")
	case t.ACMEEABKey != "" && t.ACMEEABID == "":
		c.say("tls.acme_eab_key", "needs tls.acme_eab_id, which it is the key of")
	case t.ACMEEABKey != "":
		if _, err := bindingKey(t.ACMEEABKey); err != nil {
			c.say("tls.acme_eab_key", "%v", err)
		}
	}
}

// checkNoACME finds what was set about ACME where there is none.
func (c *checker) checkNoACME(t *TLS) {
	for path, value := range map[string]string{
		"tls.acme_cache": t.ACMECache, "tls.acme_email": t.ACMEEmail, "tls.acme_directory": t.ACMEDirectory,
		"tls.acme_roots": t.ACMERoots, "tls.acme_eab_id": t.ACMEEABID, "tls.acme_eab_key": t.ACMEEABKey,
	} {
		if value != "" {
			c.say(path, "means nothing without tls.acme, the names to have certificates for")
		}
	}
}
