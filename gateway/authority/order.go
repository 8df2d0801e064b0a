package authority

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/crypto/acme/autocert"
)

// order is the certificate for one name. It has a manager of its own, which is replaced after a failure: a manager
// remembers one for a minute, and would ask again for whoever connects then.
type order struct {
	name    string
	options *Options
	tried   chan struct{} // closed after the first attempt

	mu      sync.Mutex
	manager *autocert.Manager
	heard   *complaints
	failed  error // the last attempt's
}

func newOrder(name string, options *Options) *order {
	o := &order{name: name, options: options, tried: make(chan struct{})}
	o.renewManager()
	return o
}

// log returns where to tell how it goes.
func (o *order) log() *slog.Logger {
	return o.options.Logger.With("name", o.name, "authority", o.options.Directory)
}

func (o *order) renewManager() {
	client, heard := newClient(o.options)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.heard = heard
	o.manager = &autocert.Manager{
		Prompt:                 autocert.AcceptTOS,
		Cache:                  autocert.DirCache(o.options.Cache),
		HostPolicy:             autocert.HostWhitelist(o.name),
		Email:                  o.options.Email,
		Client:                 client,
		ExternalAccountBinding: o.options.Binding,
	}
}

func (o *order) now() (*autocert.Manager, *complaints, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.manager, o.heard, o.failed
}

// attempt takes the certificate from the cache or has one made. One goroutine at a time may call it.
func (o *order) attempt() (*tls.Certificate, error) {
	manager, heard, failed := o.now()
	if failed != nil {
		o.renewManager()
		manager, heard, _ = o.now()
	}
	cert, err := manager.GetCertificate(o.hello())
	if err != nil {
		err = heard.explain(err)
	}
	o.mu.Lock()
	o.failed = err
	o.mu.Unlock()
	select {
	case <-o.tried:
	default:
		close(o.tried)
	}
	return cert, err
}

// hello is that of a client which takes what everybody takes. The certificate is the same for all, else the authority
// would be asked for a second one as soon as anybody wanted that.
func (o *order) hello() *tls.ClientHelloInfo {
	return &tls.ClientHelloInfo{
		ServerName:   o.name,
		CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
	}
}

// answer proves to the authority that the name is ours.
func (o *order) answer(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	manager, _, _ := o.now()
	return manager.GetCertificate(hello)
}

// certificate returns the one there is. It waits for the first attempt, but for no other.
func (o *order) certificate(patience time.Duration) (*tls.Certificate, error) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-o.tried:
	case <-timer.C:
		return nil, fmt.Errorf("%w for %s: it is being made", ErrNoCertificate, o.name)
	}
	manager, _, err := o.now()
	if err != nil {
		return nil, fmt.Errorf("%w for %s: %w", ErrNoCertificate, o.name, err)
	}
	return manager.GetCertificate(o.hello())
}
