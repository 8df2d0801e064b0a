package clientaddr

import (
	"fmt"
	"iter"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// The fields by which proxies name the client.
const (
	forwarded  = "Forwarded"       // RFC 7239
	forwardedX = "X-Forwarded-For" // a list of addresses, to which each proxy appends its peer's
	realIP     = "X-Real-Ip"       // one address
)

// HeaderError reports a field of a request from a trusted proxy that cannot be relied on.
type HeaderError struct {
	Field  string
	Reason string
}

// Error names the field and what is wrong with it.
func (e *HeaderError) Error() string { return e.Field + " " + e.Reason }

// FromHeader returns the address of the client whose request has come from peer, a trusted proxy; a peer that is not
// valid has no address. field is the one by which the proxies name the client: Forwarded, X-Forwarded-For, or one that
// holds a single address. An empty one stands for whichever of Forwarded, X-Forwarded-For and X-Real-IP is there.
//
// In a list it is the last address of which no trusted proxy says that it is another's: whatever stands before that was
// written by the client, or by somebody who could as well be. Where a trusted proxy does not name its peer, the client
// is taken to be that proxy.
//
// The error is a [*HeaderError]: a field is malformed, or two fields disagree, of which the client may have written
// one.
func FromHeader(h http.Header, field string, peer netip.Addr, trust *Trust) (netip.Addr, error) {
	peer = plain(peer)
	if field != "" {
		addr, _, err := read(h, http.CanonicalHeaderKey(field), peer, trust)
		return addr, err
	}
	found, by := peer, ""
	for _, field := range [...]string{forwarded, forwardedX, realIP} {
		addr, named, err := read(h, field, peer, trust)
		switch {
		case err != nil:
			return netip.Addr{}, err
		case !named:
		case by == "":
			found, by = addr, field
		case field == realIP && trust.Has(addr):
			// The proxy's peer is a proxy, too, and the list goes further back.
		case addr != found:
			return netip.Addr{}, &HeaderError{field, "contradicts " + by}
		}
	}
	return found, nil
}

// read returns what one field says, if it is there, and the peer otherwise.
func read(h http.Header, field string, peer netip.Addr, trust *Trust) (addr netip.Addr, named bool, err error) {
	lines := h[field]
	if len(lines) == 0 {
		return peer, false, nil
	}
	switch field {
	case forwarded:
		addr, err = lastUntrusted(peer, trust, forwardedHops(lines))
	case forwardedX:
		addr, err = lastUntrusted(peer, trust, listedHops(lines))
	default:
		addr, err = single(field, lines)
	}
	return addr, true, err
}

// hop is what one proxy says of its peer. The address is not valid if the proxy keeps it to itself.
type hop struct {
	addr netip.Addr
	err  error
}

// lastUntrusted follows the hops, the last one first, up to an address that is no trusted proxy's.
func lastUntrusted(peer netip.Addr, trust *Trust, hops iter.Seq[hop]) (netip.Addr, error) {
	addr := peer
	for h := range hops {
		if h.err != nil {
			return netip.Addr{}, h.err
		}
		if !h.addr.IsValid() {
			return addr, nil
		}
		if addr = h.addr; !trust.Has(addr) {
			break
		}
	}
	return addr, nil
}

// listedHops returns the hops of X-Forwarded-For, the last one first.
func listedHops(lines []string) iter.Seq[hop] {
	return func(yield func(hop) bool) {
		for _, line := range slices.Backward(lines) {
			for more := true; more; {
				var last string
				line, last, more = cutLast(line)
				if last = strings.Trim(last, " \t"); last == "" {
					continue
				}
				if !yield(hop{addr: parseNode(last)}) {
					return
				}
			}
		}
	}
}

// cutLast cuts the last entry off a list.
func cutLast(list string) (rest, last string, more bool) {
	i := strings.LastIndexByte(list, ',')
	if i < 0 {
		return "", list, false
	}
	return list[:i], list[i+1:], true
}

// single reads a field that holds one address.
func single(field string, lines []string) (netip.Addr, error) {
	if len(lines) > 1 {
		return netip.Addr{}, &HeaderError{field, "is there more than once"}
	}
	addr := parseNode(strings.Trim(lines[0], " \t"))
	if !addr.IsValid() {
		return netip.Addr{}, &HeaderError{field, fmt.Sprintf("is %.64q, which is no address", lines[0])}
	}
	return addr, nil
}

// parseNode reads an address that may have a port, which IPv6 wants brackets for (RFC 7239 §6). The result is not valid
// if it is none.
func parseNode(s string) netip.Addr {
	if addr, err := netip.ParseAddr(s); err == nil {
		return plain(addr)
	}
	if addrPort, err := netip.ParseAddrPort(s); err == nil {
		return plain(addrPort.Addr())
	}
	if addrPort, err := netip.ParseAddrPort(s + ":0"); err == nil {
		return plain(addrPort.Addr())
	}
	return netip.Addr{}
}
