package authority

import (
	"crypto/tls"
	"net/http"
	"time"

	"golang.org/x/crypto/acme"
)

const (
	requestTime = 30 * time.Second // for one request to the authority and its answer
	requestPace = time.Second      // before a request that it could not answer just now is tried again; it doubles
	requests    = 4                // how often one is tried. More is left to the next attempt, which is told before
	userAgent   = "molva"
)

// newClient makes a client of the authority, and what hears why it refuses.
func newClient(o *Options) (*acme.Client, *complaints) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if o.Roots != nil {
		transport.TLSClientConfig = &tls.Config{RootCAs: o.Roots}
	}
	transport.IdleConnTimeout = requestTime
	heard := &complaints{next: transport}
	return &acme.Client{
		DirectoryURL: o.Directory,
		HTTPClient:   &http.Client{Transport: heard, Timeout: requestTime},
		RetryBackoff: backoff,
		UserAgent:    userAgent,
	}, heard
}

// backoff is [acme.Client.RetryBackoff], by which an authority that is broken is asked for ever.
func backoff(n int, _ *http.Request, _ *http.Response) time.Duration {
	if n >= requests {
		return 0
	}
	return requestPace << (n - 1)
}
