package console

import (
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// Address is where to connect to.
type Address struct {
	URL *url.URL
	// Guessed tells that the scheme was not given.
	Guessed bool
}

// ParseAddress reads a URL of scheme ws or wss, or an address without a scheme: host:port/path, :port/path or /path.
// Without a host it is localhost. The scheme is ws on the loopback and wss elsewhere. The error is a [*UsageError].
func ParseAddress(s string) (Address, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return Address{}, usagef("the address is empty: ws://localhost:8000/ws, example.com/ws or :8000/ws")
	}
	guessed := !strings.Contains(s, "://")
	if guessed {
		s = "wss://" + withHost(s)
	}
	u, err := url.Parse(s)
	if err != nil {
		// What url.Parse says repeats the URL, and a password with it.
		return Address{}, usagef("the address is not a URL such as ws://localhost:8000/ws or example.com/ws")
	}
	switch u.Scheme {
	case "http":
		u.Scheme = "ws"
	case "https":
		u.Scheme = "wss"
	}
	switch {
	case u.Scheme != "ws" && u.Scheme != "wss":
		return Address{}, usagef("%s: the scheme is not ws or wss", u.Redacted())
	case u.Hostname() == "":
		return Address{}, usagef("%s: there is no host", u.Redacted())
	case u.Fragment != "":
		return Address{}, usagef("%s: a fragment (#%s) has no meaning to a server; %%23 is a # of the path",
			u.Redacted(), u.Fragment)
	}
	if guessed && isLoopback(u.Hostname()) {
		u.Scheme = "ws"
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return Address{URL: u, Guessed: guessed}, nil
}

// withHost completes an address without a scheme: its host may be left out, or be a bare IPv6 address.
func withHost(s string) string {
	if s == "" || s[0] == ':' && !strings.HasPrefix(s, "::") || s[0] == '/' || s[0] == '?' {
		return "localhost" + s
	}
	host, rest, slash := strings.Cut(s, "/")
	if ip, err := netip.ParseAddr(host); err == nil && ip.Is6() {
		host = "[" + host + "]"
	}
	if slash {
		host += "/"
	}
	return host + rest
}

// isLoopback reports whether a host is this machine, by its name alone.
func isLoopback(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// String returns the URL without its password.
func (a Address) String() string { return a.URL.Redacted() }

// with returns the address with another scheme.
func (a Address) with(scheme string) string {
	u := *a.URL
	u.Scheme = scheme
	return u.Redacted()
}

// secure reports whether TLS is spoken.
func (a Address) secure() bool { return a.URL.Scheme == "wss" }
