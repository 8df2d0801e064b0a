package proxy

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// maxDomainLen is the longest domain name that fits a SOCKS 5 request, whose
// length is one byte (RFC 1928 §5); DNS allows less.
const maxDomainLen = 255

// target is the address that a proxy is asked to connect to: an IP address or,
// if that is not valid, a domain name for the proxy to resolve.
type target struct {
	ip     netip.Addr
	domain string
	port   uint16
}

// parseTarget parses "host:port". It is strict, because what it lets through is
// written into a request line.
func parseTarget(addr string) (target, error) {
	host, portText, err := net.SplitHostPort(addr)
	if err != nil {
		return target{}, fmt.Errorf("%w: %w", ErrAddress, err)
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil || port == 0 {
		return target{}, fmt.Errorf("%w: port %q", ErrAddress, portText)
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.Zone() == "" {
		return target{ip: ip.Unmap(), port: uint16(port)}, nil
	}
	if host == "" || len(host) > maxDomainLen || strings.ContainsFunc(host, notInDomain) {
		return target{}, fmt.Errorf("%w: host %q", ErrAddress, host)
	}
	return target{domain: host, port: uint16(port)}, nil
}

// notInDomain holds for what no domain name in its ASCII form contains. The
// underscore is not in host names proper, yet common in private ones.
func notInDomain(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return false
	}
	return !strings.ContainsRune(".-_", r)
}

// String returns the target as host:port, an IPv6 address in brackets.
func (t target) String() string {
	host := t.domain
	if t.ip.IsValid() {
		host = t.ip.String()
	}
	return net.JoinHostPort(host, strconv.Itoa(int(t.port)))
}
