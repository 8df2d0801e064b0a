package clientaddr

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

const (
	// maxLine is the longest header of version 1, its line end included.
	maxLine = 107
	// maxBlock bounds the addresses and additions behind the fixed part of version 2. The format could have 64 KiB.
	maxBlock = 4 << 10

	v1Prefix    = "PROXY "
	v2Signature = "\r\n\r\n\x00\r\nQUIT\n"
	v2Fixed     = len(v2Signature) + 4
)

// ErrProxyProtocol says that a connection that has to begin with a PROXY protocol header does not, or with one that is
// wrong.
var ErrProxyProtocol = errors.New("no valid PROXY protocol header")

// ParseProxyProtocol reads the PROXY protocol header, of version 1 or 2, that b begins with. n is its length; it is 0
// while b is only the beginning of one. The source is where the connection comes from; it is not valid if the header
// leaves that to the socket: the command LOCAL, UNKNOWN, or an address that is not of the Internet. What version 2 may
// add to the addresses is skipped. The error is [ErrProxyProtocol].
func ParseProxyProtocol(b []byte) (source netip.AddrPort, n int, err error) {
	switch {
	case begins(b, v1Prefix):
		return parseV1(b)
	case begins(b, v2Signature):
		return parseV2(b)
	}
	return netip.AddrPort{}, 0, ErrProxyProtocol
}

// begins reports whether b has the prefix, as far as it is there.
func begins(b []byte, prefix string) bool {
	n := min(len(b), len(prefix))
	return string(b[:n]) == prefix[:n]
}

// parseV1 reads "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n".
func parseV1(b []byte) (source netip.AddrPort, n int, err error) {
	b = b[:min(len(b), maxLine)]
	end := bytes.Index(b, []byte("\r\n"))
	if end < 0 {
		if len(b) == maxLine {
			err = ErrProxyProtocol
		}
		return source, 0, err
	}
	n = end + 2
	fields := strings.Split(string(b[:end]), " ")
	if fields[1] == "UNKNOWN" {
		return source, n, nil
	}
	if len(fields) != 6 || fields[1] != "TCP4" && fields[1] != "TCP6" {
		return source, 0, ErrProxyProtocol
	}
	v4 := fields[1] == "TCP4"
	source, ok := parseV1Endpoint(fields[2], fields[4], v4)
	if _, destination := parseV1Endpoint(fields[3], fields[5], v4); !ok || !destination {
		return netip.AddrPort{}, 0, ErrProxyProtocol
	}
	return source, n, nil
}

func parseV1Endpoint(host, port string, v4 bool) (netip.AddrPort, bool) {
	addr, err := netip.ParseAddr(host)
	if err != nil || addr.Is4() != v4 || addr.Zone() != "" {
		return netip.AddrPort{}, false
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || strconv.FormatUint(number, 10) != port {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(plain(addr), uint16(number)), true
}

// parseV2 reads the binary form.
func parseV2(b []byte) (source netip.AddrPort, n int, err error) {
	if len(b) < v2Fixed {
		return source, 0, nil
	}
	command, family := b[12], b[13]
	size := int(binary.BigEndian.Uint16(b[14:]))
	switch {
	case size > maxBlock:
		err = ErrProxyProtocol
	case command == v2Local: // the proxy speaks for itself, and the family means nothing
	case command != v2Proxy || size < v2AddressSize(family):
		err = ErrProxyProtocol
	}
	if err != nil || len(b) < v2Fixed+size {
		return source, 0, err
	}
	if command == v2Proxy {
		source = parseV2Source(family, b[v2Fixed:])
	}
	return source, v2Fixed + size, nil
}

// The values of version 2's byte for the version and the command.
const v2Local, v2Proxy = 0x20, 0x21

// The values of version 2's family byte for the Internet; the lower half is the transport, stream or datagram.
const (
	tcp4, udp4 = 0x11, 0x12
	tcp6, udp6 = 0x21, 0x22
)

// v2AddressSize returns how many bytes the addresses of a family take; none is long enough for a family that does not
// exist.
func v2AddressSize(family byte) int {
	switch family {
	case 0x00:
		return 0
	case tcp4, udp4:
		return 2*4 + 4
	case tcp6, udp6:
		return 2*16 + 4
	case 0x31, 0x32: // Unix sockets
		return 2 * 108
	}
	return maxBlock + 1
}

func parseV2Source(family byte, block []byte) netip.AddrPort {
	switch family {
	case tcp4, udp4:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(block)), binary.BigEndian.Uint16(block[8:]))
	case tcp6, udp6:
		return netip.AddrPortFrom(plain(netip.AddrFrom16([16]byte(block))), binary.BigEndian.Uint16(block[32:]))
	}
	return netip.AddrPort{}
}
