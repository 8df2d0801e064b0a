// Package clientaddr finds out where a client is who comes through proxies: from the fields that they add to the
// request, and from the PROXY protocol. Anybody can write these; they mean something only from proxies that are
// trusted.
package clientaddr

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// unixPeers is the word for the peers of Unix sockets in a list of proxies.
const unixPeers = "unix"

// Trust is a set of proxies whose word is taken. The zero value is empty.
type Trust struct {
	prefixes []netip.Prefix
	unix     bool
}

// TrustError reports an entry of a list of proxies that is none.
type TrustError struct{ Entry string }

// Error quotes the entry.
func (e *TrustError) Error() string {
	return fmt.Sprintf("trusted proxy %q: want an address, a prefix such as 10.0.0.0/8, or unix", e.Entry)
}

// ParseTrust reads a list whose entries are addresses, prefixes, and "unix" for whoever connects to a Unix socket. The
// error joins a [*TrustError] for each entry that is none of them; the set has the others.
func ParseTrust(list []string) (Trust, error) {
	var t Trust
	var errs error
	for _, entry := range list {
		switch prefix, ok := parsePrefix(entry); {
		case entry == unixPeers:
			t.unix = true
		case ok:
			t.prefixes = append(t.prefixes, prefix)
		default:
			errs = errors.Join(errs, &TrustError{entry})
		}
	}
	return t, errs
}

// parsePrefix reads an address or a prefix. Those of IPv4 may be written as IPv6.
func parsePrefix(s string) (netip.Prefix, bool) {
	if !strings.Contains(s, "/") {
		addr, err := netip.ParseAddr(s)
		addr = plain(addr)
		return netip.PrefixFrom(addr, addr.BitLen()), err == nil
	}
	prefix, err := netip.ParsePrefix(s)
	if err != nil {
		return prefix, false
	}
	if addr := prefix.Addr(); addr.Is4In6() && prefix.Bits() >= 96 {
		prefix = netip.PrefixFrom(addr.Unmap(), prefix.Bits()-96)
	}
	return prefix.Masked(), true
}

// Empty reports whether nobody is trusted.
func (t *Trust) Empty() bool { return len(t.prefixes) == 0 && !t.unix }

// Has reports whether the one at addr is trusted.
func (t *Trust) Has(addr netip.Addr) bool {
	addr = plain(addr)
	for _, p := range t.prefixes {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// HasUnix reports whether those who connect to a Unix socket are trusted.
func (t *Trust) HasUnix() bool { return t.unix }

// plain returns an address as it is compared: not mapped into IPv6, and without a zone.
func plain(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }
