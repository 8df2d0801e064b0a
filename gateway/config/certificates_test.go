package config

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// pair writes a certificate that is good from one time to another, and its key.
func pair(t *testing.T, from, to time.Time) *TLS {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: to}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	files := &TLS{Cert: filepath.Join(t.TempDir(), "cert.pem"), Key: filepath.Join(t.TempDir(), "key.pem")}
	for path, block := range map[string]*pem.Block{
		files.Cert: {Type: "CERTIFICATE", Bytes: cert},
		files.Key:  {Type: "PRIVATE KEY", Bytes: secret},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func TestACertificateThatNobodyTakesIsWarnedOf(t *testing.T) {
	now := time.Now()
	for _, test := range []struct {
		from, to time.Time
		want     string
	}{
		{now.Add(-time.Hour), now.Add(time.Hour), ""},
		{now.Add(-2 * time.Hour), now.Add(-time.Hour), "the certificate has expired"},
		{now.Add(time.Hour), now.Add(2 * time.Hour), "the certificate is not valid yet"},
	} {
		var said bytes.Buffer
		s := &Settings{Config: Config{TLS: *pair(t, test.from, test.to)}}
		if _, err := s.Encryption(slog.New(slog.NewTextHandler(&said, nil))); err != nil {
			t.Fatal(err)
		}
		if test.want == "" && said.Len() > 0 || !strings.Contains(said.String(), test.want) {
			t.Errorf("good until %v: %q; want %q", test.to, said.String(), test.want)
		}
	}
}
