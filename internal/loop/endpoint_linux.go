package loop

import (
	"encoding/binary"
	"net"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// An endpoint is the address of a peer in few bytes. That of a Unix socket has only its family: clients bind their
// side to no name.
type endpoint struct {
	ip     [16]byte // the first four bytes for IPv4
	scope  uint32   // the interface of a link-local address
	port   uint16
	family uint8
}

// addr returns the address in the form of package net.
func (e endpoint) addr() net.Addr {
	switch e.family {
	case unix.AF_INET:
		return &net.TCPAddr{IP: net.IPv4(e.ip[0], e.ip[1], e.ip[2], e.ip[3]), Port: int(e.port)}
	case unix.AF_INET6:
		return &net.TCPAddr{IP: append(net.IP(nil), e.ip[:]...), Port: int(e.port), Zone: zone(e.scope)}
	}
	return &net.UnixAddr{Net: "unix"}
}

func zone(scope uint32) string {
	if scope == 0 {
		return ""
	}
	if i, err := net.InterfaceByIndex(int(scope)); err == nil {
		return i.Name
	}
	return strconv.Itoa(int(scope))
}

// endpointOf reads what accept or getpeername has filled in.
func endpointOf(raw *unix.RawSockaddrAny) endpoint {
	e := endpoint{family: uint8(raw.Addr.Family)}
	switch raw.Addr.Family {
	case unix.AF_INET:
		sa := (*unix.RawSockaddrInet4)(unsafe.Pointer(raw))
		copy(e.ip[:], sa.Addr[:])
		e.port = hostOrder(sa.Port)
	case unix.AF_INET6:
		sa := (*unix.RawSockaddrInet6)(unsafe.Pointer(raw))
		e.ip, e.scope, e.port = sa.Addr, sa.Scope_id, hostOrder(sa.Port)
	}
	return e
}

// endpointOfAddr is for an address that package net has made.
func endpointOfAddr(addr net.Addr) endpoint {
	a, ok := addr.(*net.TCPAddr)
	if !ok {
		return endpoint{family: unix.AF_UNIX}
	}
	e := endpoint{family: unix.AF_INET, port: uint16(a.Port)}
	if ip := a.IP.To4(); ip != nil {
		copy(e.ip[:], ip)
		return e
	}
	e.family = unix.AF_INET6
	copy(e.ip[:], a.IP)
	if a.Zone != "" {
		if i, err := net.InterfaceByName(a.Zone); err == nil {
			e.scope = uint32(i.Index)
		}
	}
	return e
}

// hostOrder turns a port as the kernel stores it into a number.
func hostOrder(port uint16) uint16 {
	var b [2]byte
	binary.NativeEndian.PutUint16(b[:], port)
	return binary.BigEndian.Uint16(b[:])
}

func addrOf(sa unix.Sockaddr) net.Addr {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return &net.TCPAddr{IP: net.IPv4(sa.Addr[0], sa.Addr[1], sa.Addr[2], sa.Addr[3]), Port: sa.Port}
	case *unix.SockaddrInet6:
		return &net.TCPAddr{IP: append(net.IP(nil), sa.Addr[:]...), Port: sa.Port, Zone: zone(sa.ZoneId)}
	case *unix.SockaddrUnix:
		return &net.UnixAddr{Name: sa.Name, Net: "unix"}
	}
	return nil
}
