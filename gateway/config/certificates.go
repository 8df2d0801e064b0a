package config

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// Encryption is how listeners speak TLS.
type Encryption struct {
	// Config has HTTP/2 for those who ask for it. WebSockets stay with HTTP/1.1, as browsers ask for that when they open one.
	Config *tls.Config
	// Keep has certificates made until the context ends. It is to run once somebody serves; nil if they come from files.
	Keep func(ctx context.Context)
}

// Encryption returns how listeners speak TLS; nil if they should not.
func (s *Settings) Encryption(log *slog.Logger) (*Encryption, error) {
	t := &s.TLS
	switch {
	case !t.On():
		return nil, nil
	case len(t.ACME) > 0:
		a, err := s.authority(log)
		if err != nil {
			return nil, err
		}
		return &Encryption{Config: a.TLS(), Keep: a.Keep}, nil
	}
	files := &certificateFiles{cert: t.Cert, key: t.Key, log: log}
	if err := files.load(); err != nil {
		return nil, err
	}
	files.warn()
	c := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}, GetCertificate: files.get}
	return &Encryption{Config: c}, nil
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
	f.warn()
}

// warn tells of a certificate that no browser takes.
func (f *certificateFiles) warn() {
	switch leaf := f.current.Leaf; {
	case time.Now().After(leaf.NotAfter):
		f.log.Warn("the certificate has expired, so that no browser takes it", "file", f.cert, "since", leaf.NotAfter.Format(time.DateTime))
	case time.Now().Before(leaf.NotBefore):
		f.log.Warn("the certificate is not valid yet, so that no browser takes it", "file", f.cert, "until", leaf.NotBefore.Format(time.DateTime))
	}
}

func (f *certificateFiles) load() error {
	state := [2]fileState{stateOf(f.cert), stateOf(f.key)}
	pair, err := readPair(f.cert, f.key)
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

// readPair reads a certificate and its key, both in PEM.
func readPair(cert, key string) (pair tls.Certificate, err error) {
	var texts [2][]byte
	for i, file := range []string{cert, key} {
		if texts[i], err = readFile(file); err != nil {
			return pair, fmt.Errorf("%s %w", file, err)
		}
	}
	return tls.X509KeyPair(texts[0], texts[1])
}
