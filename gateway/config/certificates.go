package config

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// ServerTLS returns what a listener needs to speak TLS, with HTTP/2 for those who ask for it; nil if it should not.
// WebSockets stay with HTTP/1.1, as browsers ask for that when they open one.
func (s *Settings) ServerTLS(log *slog.Logger) (*tls.Config, error) {
	t := &s.TLS
	if !t.On() {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	if len(t.ACME) > 0 {
		m := t.manager()
		c.GetCertificate = m.GetCertificate
		c.NextProtos = append(c.NextProtos, acme.ALPNProto) // the authority asks by it whether the name is ours
		return c, nil
	}
	files := &certificateFiles{cert: t.Cert, key: t.Key, log: log}
	if err := files.load(); err != nil {
		return nil, err
	}
	c.GetCertificate = files.get
	return c, nil
}

// manager returns what has certificates made.
func (t *TLS) manager() *autocert.Manager {
	m := &autocert.Manager{
		Prompt:     autocert.AcceptTOS,
		Cache:      autocert.DirCache(t.ACMECache),
		HostPolicy: autocert.HostWhitelist(t.ACME...),
		Email:      t.ACMEEmail,
	}
	if t.ACMEDirectory != "" {
		m.Client = &acme.Client{DirectoryURL: t.ACMEDirectory}
	}
	return m
}

// certificateLook is how often the files are looked at. It costs two system calls.
const certificateLook = time.Second

// certificateFiles has a certificate whose files may be replaced at any time. A pair that does not go together, as in
// the moment between the two, changes nothing.
type certificateFiles struct {
	cert, key string
	log       *slog.Logger

	mu      sync.Mutex
	looked  time.Time
	state   [2]fileState
	failed  [2]fileState // what could not be loaded and was logged
	current *tls.Certificate
}

// fileState tells one content of a file from another.
type fileState struct {
	size     int64
	modified time.Time
}

func stateOf(path string) fileState {
	info, err := os.Stat(path)
	if err != nil {
		return fileState{}
	}
	return fileState{size: info.Size(), modified: info.ModTime()}
}

// get is [tls.Config.GetCertificate].
func (f *certificateFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.looked) >= certificateLook {
		f.look()
	}
	return f.current, nil
}

// look loads the files if they have changed.
func (f *certificateFiles) look() {
	f.looked = time.Now()
	state := [2]fileState{stateOf(f.cert), stateOf(f.key)}
	if state == f.state || state == f.failed {
		return
	}
	if err := f.load(); err != nil {
		f.failed = state
		f.log.Warn("the new certificate cannot be used; the old one stays", "error", err)
		return
	}
	f.log.Info("new certificate", "file", f.cert, "until", f.current.Leaf.NotAfter.Format(time.DateTime))
}

func (f *certificateFiles) load() error {
	state := [2]fileState{stateOf(f.cert), stateOf(f.key)}
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	if pair.Leaf == nil {
		if pair.Leaf, err = x509.ParseCertificate(pair.Certificate[0]); err != nil {
			return fmt.Errorf("certificate: %w", err)
		}
	}
	f.state, f.current = state, &pair
	return nil
}
