//go:build unix

package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/molva-ws/molva"
)

// certificate writes a certificate for 127.0.0.1 with a name, and its key.
func certificate(t *testing.T, dir, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	rewrite(t, filepath.Join(dir, "key.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	rewrite(t, filepath.Join(dir, "cert.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})))
}

// startTLS starts a server with a certificate in dir.
func startTLS(t *testing.T, dir string, args ...string) (s *served, address string) {
	t.Helper()
	s = startServer(t, append(args, "--tls-cert", filepath.Join(dir, "cert.pem"), "--tls-key", filepath.Join(dir, "key.pem"))...)
	address, ok := strings.CutPrefix(s.url, "https://")
	if !ok {
		t.Fatalf("it serves on %s", s.url)
	}
	return s, address
}

// trusting accepts the certificate in dir only.
func trusting(t *testing.T, dir string) *tls.Config {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "cert.pem"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return &tls.Config{RootCAs: pool}
}

func TestServeSpeaksTLSAndHTTP2(t *testing.T) {
	dir := t.TempDir()
	certificate(t, dir, "first")
	s, address := startTLS(t, dir)
	web := &http.Client{Transport: &http.Transport{TLSClientConfig: trusting(t, dir), ForceAttemptHTTP2: true}}
	defer web.CloseIdleConnections()
	for path, want := range map[string]string{"/": "<!doctype html>", "/molva.js": "molva", "/healthz": "ok", "/api/stats": `"ok":true`} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
		r.Header.Set("Authorization", "Bearer "+s.key)
		response, err := web.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if response.Proto != "HTTP/2.0" || response.StatusCode != 200 || err != nil || !strings.Contains(string(body), want) {
			t.Errorf("%s: %s %s, %v: %.80s", path, response.Proto, response.Status, err, body)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, _, err := molva.Dial(ctx, "wss://"+address+"/ws?user=42", &molva.DialOptions{TLSConfig: trusting(t, dir)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	c := &client{t, conn}
	c.next()
	molvaRun(t, "", "send", "--socket", s.socket, "--user", "42", "hi").wantsText(t, 0, "reached 1 connection", "")
	c.hears(`"hi"`)
	if _, err := http.Get("http://" + address + "/"); err == nil {
		t.Error("it answers without TLS")
	}
}

// served returns the name in the certificate that the server shows.
func shownName(t *testing.T, address string) string {
	t.Helper()
	conn, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].Subject.CommonName
}

func TestServeTakesANewCertificateWithoutARestart(t *testing.T) {
	dir := t.TempDir()
	certificate(t, dir, "first")
	s, address := startTLS(t, dir)
	if name := shownName(t, address); name != "first" {
		t.Errorf("%s", name)
	}
	old, err := os.ReadFile(filepath.Join(dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	certificate(t, dir, "second")
	good, _ := os.ReadFile(filepath.Join(dir, "key.pem"))
	rewrite(t, filepath.Join(dir, "key.pem"), string(old)) // which does not belong to it
	waitFor(t, func() bool { shownName(t, address); return strings.Contains(s.said(), "the old one stays") })
	if name := shownName(t, address); name != "first" {
		t.Errorf("%s, although its key is another's", name)
	}
	rewrite(t, filepath.Join(dir, "key.pem"), string(good))
	waitFor(t, func() bool { return shownName(t, address) == "second" })
}

// waitFor waits until something is so.
func waitFor(t *testing.T, so func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not come to that")
		}
	}
}

func TestThousandsOfStalledTLSHandshakesEnd(t *testing.T) {
	dir := t.TempDir()
	certificate(t, dir, "first")
	_, address := startTLS(t, dir, "--handshake-time", "5s")
	conns := make([]net.Conn, 3000)
	for i := range conns {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conns[i] = conn
	}
	if name := shownName(t, address); name != "first" {
		t.Errorf("somebody else is shown %s", name)
	}
	until := time.Now().Add(patience)
	for i, conn := range conns {
		conn.SetReadDeadline(until)
		if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("%d of them has not been given up", i)
		}
	}
}
