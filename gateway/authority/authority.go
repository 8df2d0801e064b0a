// Package authority has certificates made for the names of a server by an authority that speaks ACME (RFC 8555), such as
// Let's Encrypt, and tells whoever runs the server how that goes.
//
//	a, err := authority.New(authority.Options{Names: []string{"app.example.com"}, Cache: "/var/lib/molva", Logger: log})
//	listener = tls.NewListener(listener, a.TLS())
//	go a.Keep(ctx) // once something serves at the listener
//
// The authority is asked at the start and not by whoever connects first, so that a mistake is seen when it is made.
package authority

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
	"golang.org/x/net/idna"
)

// ErrUnknownName says that a client wants a name for which no certificate is to be had.
var ErrUnknownName = errors.New("no certificate is wanted for this name")

// ErrNoCertificate says that there is none yet; what is wrapped with it says why.
var ErrNoCertificate = errors.New("there is no certificate yet")

// Options says whom to ask for what. Names, Cache and Logger have to be set.
type Options struct {
	Names     []string // without wildcards
	Cache     string   // folder for certificates, their keys and that of the account
	Email     string   // whom the authority tells about trouble
	Directory string   // URL of the authority; "" is Let's Encrypt
	// Roots are those that the authority's own certificate is checked with; nil are the system's.
	Roots *x509.CertPool
	// Binding ties the account to one that was opened elsewhere (RFC 8555, 7.3.4), which some want.
	Binding *acme.ExternalAccountBinding
	// Patience is how long a handshake waits for a certificate that is just being made; 0 is 10 s.
	Patience time.Duration
	Logger   *slog.Logger
}

// Authority has a certificate for each name, or is about to have one.
type Authority struct {
	options Options
	orders  map[string]*order
	turn    sync.Mutex // held while one is made: a new account is opened once, not for every name
}

// New makes one. Nothing is asked before [Authority.Keep].
func New(o Options) (*Authority, error) {
	if o.Patience == 0 {
		o.Patience = 10 * time.Second
	}
	if o.Directory == "" {
		o.Directory = autocert.DefaultACMEDirectory
	}
	a := &Authority{options: o, orders: make(map[string]*order)}
	for _, written := range o.Names {
		name, err := asciiName(written)
		if err != nil {
			return nil, fmt.Errorf("%q is not the name of a host: %w", written, err)
		}
		a.orders[name] = newOrder(name, &a.options)
	}
	return a, nil
}

func asciiName(name string) (string, error) {
	return idna.Lookup.ToASCII(strings.TrimSuffix(name, "."))
}

// TLS returns what a listener needs, with HTTP/2 for those who ask for it.
func (a *Authority) TLS() *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1", acme.ALPNProto}, // by the last the authority asks whether a name is ours
		GetCertificate: a.certificate,
	}
}

// certificate is [tls.Config.GetCertificate]. However many come, it asks the authority for nothing.
func (a *Authority) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name, err := asciiName(hello.ServerName)
	order := a.orders[name]
	if err != nil || order == nil {
		return nil, fmt.Errorf("%w: %q", ErrUnknownName, hello.ServerName)
	}
	if len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == acme.ALPNProto {
		return order.answer(hello)
	}
	return order.certificate(a.options.Patience)
}

// Keep has certificates made and follows how they are renewed, until the context ends. Something has to serve with
// [Authority.TLS] meanwhile, as the authority calls back.
func (a *Authority) Keep(ctx context.Context) {
	var all sync.WaitGroup
	for _, o := range a.orders {
		all.Go(func() {
			if a.obtain(ctx, o) {
				a.follow(ctx, o)
			}
		})
	}
	all.Wait()
}
