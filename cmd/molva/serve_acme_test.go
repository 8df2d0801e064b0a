//go:build acme

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/internal/shortdir"
)

// siteName is what certificates are made for. The authority's resolver says that it is this machine.
const siteName = "app.example.com"

// site is molva serve with a certificate for siteName that an authority makes.
type site struct {
	*served
	address string
	dir     string
}

// serveSite starts it where the authority looks for it, with its certificates in dir.
func serveSite(t *testing.T, ca *authority, dir string, args ...string) *site {
	t.Helper()
	args = append([]string{"--listen", ca.looksAt, "--acme", siteName, "--acme-cache", filepath.Join(dir, "cache"),
		"--acme-directory", ca.directory, "--acme-roots", ca.roots}, args...)
	s := startServerAt(t, filepath.Join(shortdir.New(t), "molva.sock"), args...)
	if !strings.HasPrefix(s.url, "https://"+siteName) {
		t.Errorf("it says that it serves on %s", s.url)
	}
	return &site{served: s, address: ca.looksAt, dir: dir}
}

// says waits until all of it is in the log.
func (s *site) says(texts ...string) {
	s.Helper()
	for _, text := range texts {
		s.until(text)
	}
}

// stop stops it as an operator does.
func (s *site) stop() {
	s.Helper()
	s.signal(syscall.SIGTERM)
	if code := s.wait(); code != 0 {
		s.Fatalf("exit code %d: %s", code, s.said())
	}
}

// trusts returns what a client needs that trusts an issuer only; nil trusts nobody and looks.
func (s *site) trusts(issuer *x509.CertPool) *tls.Config {
	return &tls.Config{ServerName: siteName, RootCAs: issuer, InsecureSkipVerify: issuer == nil}
}

// connectsBy has a user connect to wss:// by the name, and be sent a message.
func (s *site) connectsBy(issuer *x509.CertPool) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	conn, _, err := molva.Dial(ctx, "wss://"+siteName+"/ws?user=42", &molva.DialOptions{
		TLSConfig: s.trusts(issuer),
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, s.address)
		},
	})
	if err != nil {
		s.Fatalf("%v\n%s", err, s.said())
	}
	defer conn.CloseNow()
	c := &client{s.T, conn}
	c.next()
	molvaRun(s.T, "", "send", "--socket", s.socket, "--user", "42", "hi").wantsText(s.T, 0, "reached 1 connection", "")
	c.hears(`"hi"`)
}

// leaf returns the certificate that it shows.
func (s *site) leaf() *x509.Certificate {
	s.Helper()
	conn, err := tls.Dial("tcp", s.address, s.trusts(nil))
	if err != nil {
		s.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0]
}

func TestACMEMakesACertificateThatOutlastsARestart(t *testing.T) {
	ca, dir := startAuthority(t, authorityConfig{}), t.TempDir()
	s := serveSite(t, ca, dir)
	s.until("there is a certificate")
	issuer := ca.issuer()
	s.connectsBy(issuer)
	made := s.leaf()
	s.stop()

	ca.stop()
	s = serveSite(t, ca, dir)
	s.connectsBy(issuer)
	if !s.leaf().Equal(made) {
		t.Error("it is another certificate")
	}
	files, err := filepath.Glob(filepath.Join(dir, "cache", "*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("others may read %s: %v, %v", file, info.Mode(), err)
		}
	}
}

func TestACMERenewsWhileClientsStay(t *testing.T) {
	ca := startAuthority(t, authorityConfig{lifetime: 12 * time.Second})
	s := serveSite(t, ca, t.TempDir())
	s.until("there is a certificate")
	first := s.leaf()
	s.connectsBy(ca.issuer())
	s.until("the certificate was renewed")
	s.connectsBy(ca.issuer())
	if s.leaf().Equal(first) {
		t.Error("it shows the old one")
	}
}

func TestACMEWithAnAccountElsewhere(t *testing.T) {
	ca := startAuthority(t, authorityConfig{account: "kid-1", key: "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"})
	s := serveSite(t, ca, t.TempDir())
	s.says("there is no certificate", "externalAccountRequired")
	s.stop()
	s = serveSite(t, ca, t.TempDir(), "--acme-eab-id", ca.config.account, "--acme-eab-key", ca.config.key)
	s.until("there is a certificate")
	s.connectsBy(ca.issuer())
}

func TestACMETellsWhyThereIsNoCertificate(t *testing.T) {
	for _, c := range []struct {
		name   string
		config authorityConfig
		says   []string
	}{
		{"the name is refused", authorityConfig{refuses: siteName}, []string{"rejectedIdentifier", siteName}},
		{"the name leads elsewhere", authorityConfig{looksElsewhere: true}, []string{"unauthorized: Failed to connect to 127.0.0.1:"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ca := startAuthority(t, c.config)
			s := serveSite(t, ca, t.TempDir())
			s.says(append(c.says, "there is no certificate", "nobody can connect", "again_in:1m0s", ca.directory)...)
			if _, err := tls.Dial("tcp", s.address, s.trusts(nil)); err == nil {
				t.Error("it has one")
			}
		})
	}
}

func TestACMEDoesNotTrustJustAnyAuthority(t *testing.T) {
	ca := startAuthority(t, authorityConfig{})
	s := serveSite(t, ca, t.TempDir(), "--acme-roots", "/etc/ssl/certs/ca-certificates.crt")
	s.says("there is no certificate", "x509: certificate signed by unknown authority")
}

func TestACMEComesBackWithTheAuthority(t *testing.T) {
	ca := newAuthority(t, authorityConfig{})
	s := serveSite(t, ca, t.TempDir())
	s.says("there is no certificate", "cannot be reached", "connection refused", "again_in:10s")
	if body := healthOf(t, s); body != "" {
		t.Errorf("%q without a certificate", body)
	}
	ca.start()
	s.until("there is a certificate")
	if body := healthOf(t, s); body != "ok\n" {
		t.Errorf("%q", body)
	}
	s.connectsBy(ca.issuer())
}

// healthOf returns what it says by https; "" if nothing.
func healthOf(t *testing.T, s *site) string {
	t.Helper()
	web := &http.Client{Transport: &http.Transport{
		TLSClientConfig: s.trusts(nil),
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, s.address)
		},
	}}
	defer web.CloseIdleConnections()
	response, err := web.Get("https://" + siteName + "/healthz")
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	return string(body)
}
