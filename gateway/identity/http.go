package identity

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// newHTTPClient returns one that follows no redirects and believes no long headers. transport stands in for the
// network if it is not nil.
func newHTTPClient(transport http.RoundTripper, conns int) *http.Client {
	if transport == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.MaxResponseHeaderBytes = 16 << 10
		t.MaxIdleConnsPerHost = conns
		t.IdleConnTimeout = 30 * time.Second
		transport = t
	}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// parseURL reads one that can be asked.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Fragment != "" {
		return nil, errors.New("it has to be like https://app.example.com/path")
	}
	return u, nil
}

// isLoopback reports whether a host is this machine.
func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.Unmap().IsLoopback()
}

// shownURL is a URL as it may be logged: without a password, and without a query.
func shownURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	u.RawQuery = ""
	return u.Redacted()
}

// withoutURL returns what is in an error of an [http.Client], whose text quotes the URL with all that a client may have
// put there.
func withoutURL(err error) error {
	var e *url.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}
