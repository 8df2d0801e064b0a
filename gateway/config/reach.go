package config

import (
	"fmt"
	"net"
	"net/netip"
)

// ReachError says that the server would be open to other machines, which nobody has said that it should be.
type ReachError struct{ text string }

// Error says what to do about it.
func (e *ReachError) Error() string { return e.text }

// CheckReach returns a [*ReachError] if the server may not listen on an address, for others can reach it and be whom
// they like. The name is that by which it was set.
func (s *Settings) CheckReach(name string, addr *net.TCPAddr) error {
	if !s.Local() || addr.IP.IsLoopback() {
		return nil
	}
	how := "set open"
	if s.sources["listen"].From == FromFlag {
		how = "add --open"
	}
	return &ReachError{fmt.Sprintf("other machines can reach %s, and anyone there could connect as any user; "+
		"if that is what you want, %s; if not, listen on 127.0.0.1:%d", name, how, addr.Port)}
}

// literalAddr returns the address that a host and a port are, unless the host is a name. Without a host it is that of
// all interfaces.
func literalAddr(address string) (*net.TCPAddr, bool) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, false
	}
	n, err := net.LookupPort("tcp", port)
	if err != nil {
		return nil, false
	}
	if host == "" {
		return &net.TCPAddr{IP: net.IPv6unspecified, Port: n}, true
	}
	ip, err := netip.ParseAddr(host)
	return &net.TCPAddr{IP: ip.AsSlice(), Port: n}, err == nil
}
