package loop

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// RemoteAddrPort returns the address of the peer without a zone, and one that is not valid for a Unix socket. Other than
// RemoteAddr it allocates nothing.
func (c *sock) RemoteAddrPort() netip.AddrPort {
	e := &c.peer
	switch e.family {
	case unix.AF_INET:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(e.ip[:4])), e.port)
	case unix.AF_INET6:
		return netip.AddrPortFrom(netip.AddrFrom16(e.ip).Unmap(), e.port)
	}
	return netip.AddrPort{}
}
