package handshake

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// CheckOrigin refuses, with a *Refusal of status 403, a request that a browser
// sends on behalf of a page from elsewhere: the page's scripts would speak with
// the user's cookies (RFC 6455 §10.2). It allows
//
//   - a request without Origin, which is not from a browser's page;
//   - a page over HTTP or HTTPS from the host that the request names in Host,
//     port included; where a port is absent, the default of the page's scheme
//     stands for it;
//   - an origin that matches one of patterns.
//
// A pattern is one of
//
//	https://app.example.com       this origin
//	https://app.example.com:8443  this origin, on another port than the scheme's
//	app.example.com               this host by any scheme, on the scheme's port
//	localhost:3000                this host and port by any scheme
//	localhost:*                   this host on any port
//	*.example.com                 any host below example.com, not that itself
//	https://*.example.com         the same, by HTTPS
//	null                          the opaque origin of a file or a sandboxed frame
//	*                             any origin, null included
//
// Case does not matter. A pattern of any other form, such as one with a path,
// matches nothing; [ValidateOrigins] finds it. An origin that is repeated,
// malformed or has user information or a path is refused whatever the patterns.
func CheckOrigin(r *http.Request, patterns []string) error {
	h := HeadOf(r)
	return h.CheckOrigin(patterns)
}

// CheckOrigin is the function of that name for a Head.
func (h *Head) CheckOrigin(patterns []string) error {
	switch values := h.lines(originField); len(values) {
	case 0:
		return nil
	case 1:
		return checkOrigin(values[0], h.host, patterns)
	default:
		return &Refusal{Status: http.StatusForbidden, Reason: "the request has more than one Origin"}
	}
}

func checkOrigin(value, host string, patterns []string) error {
	if equalFold(value, "null") {
		if slices.ContainsFunc(patterns, listsNull) {
			return nil
		}
		return foreignOrigin(value)
	}
	o, ok := parseOrigin(value)
	if !ok {
		return &Refusal{Status: http.StatusForbidden, Reason: "the Origin " + quote(value) + " is malformed"}
	}
	if o.isHost(host) {
		return nil
	}
	for _, s := range patterns {
		if p, ok := parseOriginPattern(s); s == "*" || ok && p.matches(o) {
			return nil
		}
	}
	return foreignOrigin(value)
}

func listsNull(pattern string) bool { return pattern == "*" || equalFold(pattern, "null") }

func foreignOrigin(value string) *Refusal {
	return &Refusal{
		Status: http.StatusForbidden,
		Reason: "pages from the origin " + quote(value) + " may not connect here; the server has to list it as allowed",
	}
}

// OriginError reports a pattern that [CheckOrigin] does not understand.
type OriginError struct{ Pattern string }

func (e *OriginError) Error() string {
	return "origin pattern " + quote(e.Pattern) + ": want [scheme://]host[:port], *.host, null or *"
}

// ValidateOrigins reports, as an *OriginError, the first of patterns that has
// none of the forms [CheckOrigin] knows. Call it once, when a server starts.
func ValidateOrigins(patterns []string) error {
	for _, s := range patterns {
		if _, ok := parseOriginPattern(s); !ok && !listsNull(s) {
			return &OriginError{s}
		}
	}
	return nil
}

// origin is a web origin (RFC 6454 §4), with the port of its scheme filled in.
type origin struct{ scheme, host, port string }

// parseOrigin reads the ASCII serialization of an origin (RFC 6454 §6.2).
func parseOrigin(s string) (o origin, ok bool) {
	var authority string
	if o.scheme, authority, ok = strings.Cut(s, "://"); !ok || !isScheme(o.scheme) {
		return origin{}, false
	}
	if authority == "" {
		// file:// is what some embedded browsers send.
		return o, equalFold(o.scheme, "file")
	}
	if o.host, o.port, ok = splitHostPort(authority); !ok {
		return origin{}, false
	}
	if o.port == "" {
		o.port = defaultPort(o.scheme)
	}
	return o, true
}

// isHost reports whether o is of HTTP or HTTPS and its authority is host, the
// value of a Host header.
func (o origin) isHost(host string) bool {
	standard := defaultPort(o.scheme)
	name, port, ok := splitHostPort(host)
	if !ok || standard == "" {
		return false
	}
	if port == "" {
		port = standard
	}
	return port == o.port && equalFold(name, o.host)
}

// originPattern is a pattern that names a host.
type originPattern struct {
	origin          // scheme "" for any; port "" for that of the scheme
	subdomains bool // of host, rather than host
	anyPort    bool
}

func parseOriginPattern(s string) (p originPattern, ok bool) {
	if equalFold(s, "null") {
		return originPattern{}, false // an origin of its own, not a host of that name
	}
	scheme, authority, hasScheme := strings.Cut(s, "://")
	if !hasScheme {
		scheme, authority = "", s
	} else if !isScheme(scheme) {
		return originPattern{}, false
	}
	p.scheme = scheme
	if authority == "" {
		return p, equalFold(scheme, "file")
	}
	authority, p.subdomains = strings.CutPrefix(authority, "*.")
	authority, p.anyPort = strings.CutSuffix(authority, ":*")
	if p.host, p.port, ok = splitHostPort(authority); !ok {
		return originPattern{}, false
	}
	return p, !p.subdomains || p.host[0] != '['
}

func (p originPattern) matches(o origin) bool {
	if p.scheme != "" && !equalFold(p.scheme, o.scheme) {
		return false
	}
	port := p.port
	if port == "" {
		port = defaultPort(o.scheme)
	}
	if !p.anyPort && port != o.port {
		return false
	}
	if !p.subdomains {
		return equalFold(p.host, o.host)
	}
	// The dot belongs to the comparison, else evil-example.com would be below
	// example.com, and something must stand before it.
	dot := len(o.host) - len(p.host) - 1
	return dot > 0 && o.host[dot] == '.' && equalFold(o.host[dot+1:], p.host)
}

// isScheme reports whether s is a URI scheme (RFC 3986 §3.1).
func isScheme(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isAlphanumeric(s[i]) && (i == 0 || !strings.Contains("+-.", s[i:i+1])) {
			return false
		}
	}
	return s != "" && !isDigit(s[0])
}

// defaultPort returns the port that scheme implies, "" if it is not of the web.
func defaultPort(scheme string) string {
	switch {
	case equalFold(scheme, "https"):
		return "443"
	case equalFold(scheme, "http"):
		return "80"
	}
	return ""
}

// splitHostPort splits host[:port] without user information, path or anything
// else; port is "" if absent. An IPv6 address stands, and stays, in brackets.
func splitHostPort(s string) (host, port string, ok bool) {
	end := strings.IndexByte(s, ':')
	if strings.HasPrefix(s, "[") {
		end = strings.IndexByte(s, ']') + 1
		if end == 0 || !isAddress(s[1:end-1]) {
			return "", "", false
		}
	} else if end < 0 {
		end = len(s)
	}
	host, port = s[:end], s[end:]
	if host == "" || host[0] != '[' && !isHostName(host) {
		return "", "", false
	}
	if port != "" {
		port = port[1:]
		return host, port, s[end] == ':' && isPort(port)
	}
	return host, "", true
}

func isHostName(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; !isAlphanumeric(c) && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return s != ""
}

// isAddress reports whether s is an IPv6 address without a zone, which has no
// meaning on another machine.
func isAddress(s string) bool {
	address, err := netip.ParseAddr(s)
	return err == nil && address.Is6() && address.Zone() == ""
}

func isPort(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != "" && len(s) <= 5
}
