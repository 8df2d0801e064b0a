package molva

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/molva-ws/molva/internal/admission"
	"github.com/molva-ws/molva/internal/clientaddr"
	"github.com/molva-ws/molva/internal/loop"
)

// ClientAddr returns the address of the client: the one that a trusted proxy names, see Server.TrustedProxies, and
// otherwise the peer's. Limits count by it. It is not valid if it is not known, as that of a peer on a Unix socket.
func (c *Conn) ClientAddr() netip.Addr {
	if client := c.knows().client; client != nil {
		return *client
	}
	return peerAddr(c.transport).Addr()
}

// client is where a request comes from.
type client struct {
	addr    netip.AddrPort // not valid if it is not known; the port is 0 if only the address is
	trusted bool           // it is a proxy, whose word on where others are is taken
}

// door is where clients come in: it finds out where they are and counts them. A nil door lets everybody in.
type door struct {
	gate    *admission.Gate
	proxies atomic.Pointer[proxies]
	counts  *counts
	spares  quiet // what is logged of those whom a dry run lets in
	log     *slog.Logger
}

// proxies says whose word is taken on where clients are, and how they say it. It does not change.
type proxies struct {
	trust    clientaddr.Trust
	header   string
	protocol bool
}

// quiet lets one thing a second be logged. It may be used from any goroutine.
type quiet struct{ last atomic.Int64 }

func (q *quiet) allow(now time.Time) bool {
	last := q.last.Load()
	return now.UnixNano()-last >= int64(time.Second) && q.last.CompareAndSwap(last, now.UnixNano())
}

func (s *Server) newDoor() *door {
	trust, err := clientaddr.ParseTrust(s.TrustedProxies)
	log := s.upgrader.set().log
	if err != nil {
		log.Error("an entry of Server.TrustedProxies is ignored", "error", err)
	}
	d := &door{gate: admission.NewGate(s.Admission.limits()), counts: s.counts, log: log}
	d.proxies.Store(&proxies{trust, s.ProxyHeader, s.ProxyProtocol})
	return d
}

// at returns the client at an address.
func (d *door) at(addr netip.AddrPort) client {
	return client{addr: addr, trusted: d != nil && d.proxies.Load().trust.Has(addr.Addr())}
}

// hasUnix reports whether the word of those on a Unix socket is taken.
func (d *door) hasUnix() bool { return d != nil && d.proxies.Load().trust.HasUnix() }

// speaksProxyProtocol reports whether a connection has to begin with its header.
func (d *door) speaksProxyProtocol(peer client) bool {
	return peer.trusted && d.proxies.Load().protocol
}

// peer returns the client at the other end of a socket.
func (d *door) peer(conn loop.Conn) client {
	if addr := peerAddr(conn); addr.IsValid() {
		return d.at(addr)
	}
	return client{trusted: d.hasUnix() && conn.RemoteAddr().Network() == "unix"}
}

// sender returns the client who has sent a request to net/http.
func (d *door) sender(r *http.Request) client {
	if addr := parseAddrPort(r.RemoteAddr); addr.IsValid() {
		return d.at(addr)
	}
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return client{trusted: d.hasUnix() && local != nil && local.Network() == "unix"}
}

// visit lets a connection in of which nobody knows what it wants. A proxy has the visitors of many addresses.
func (d *door) visit(peer client) (admission.Pass, *Refusal) {
	pass, err := d.gate.Visit(visitor(peer))
	if err != nil {
		return pass, d.turnAway(err)
	}
	return pass, nil
}

// leaveVisitor counts out who was let in by visit.
func (d *door) leaveVisitor(peer client, p admission.Pass) { d.gate.LeaveVisitor(visitor(peer), p) }

// visitor returns the address by which a connection without a request is counted.
func visitor(peer client) netip.Addr {
	if peer.trusted {
		return netip.Addr{}
	}
	return peer.addr.Addr()
}

// admit finds out who has sent a handshake through peer, and lets him in, which leave undoes. The error is a
// [*Refusal].
func (d *door) admit(r *request, peer client) (client, admission.Pass, error) {
	if d == nil {
		return peer, 0, nil
	}
	from, err := d.follow(r.http, peer)
	if err != nil {
		d.counts.refuse(refusedRequest)
		return from, 0, err
	}
	pass, over := d.gate.Connect(from.addr.Addr())
	switch {
	case over == nil:
	case pass.In():
		d.spare(from, over)
	default:
		return from, pass, d.turnAway(over)
	}
	return from, pass, nil
}

// follow returns the client who is behind peer, if that is a proxy.
func (d *door) follow(r *http.Request, peer client) (client, error) {
	if !peer.trusted {
		return peer, nil
	}
	p := d.proxies.Load()
	addr, err := clientaddr.FromHeader(r.Header, p.header, peer.addr.Addr(), &p.trust)
	var wrong *clientaddr.HeaderError
	if errors.As(err, &wrong) {
		return peer, &Refusal{Status: http.StatusBadRequest, Reason: "where the request comes from is not clear: " + wrong.Error()}
	}
	if addr == peer.addr.Addr() {
		return peer, nil
	}
	return d.at(netip.AddrPortFrom(addr, 0)), nil
}

// spare lets a client in who is over a limit, which is only tried.
func (d *door) spare(from client, err error) {
	refusal, reason := turnedAway(err)
	if d.counts.spared[reason].Add(1); d.spares.allow(time.Now()) {
		d.log.Info("a client would have been refused", "client", from.addr.Addr(), "status", refusal.Status, "reason", refusal.Reason)
	}
}

func (d *door) turnAway(err error) *Refusal {
	refusal, reason := turnedAway(err)
	d.counts.refuse(reason)
	return refusal
}

// leave counts out who was let in by admit.
func (d *door) leave(addr netip.Addr, p admission.Pass) {
	if d != nil {
		d.gate.LeaveConn(addr, p)
	}
}

// peerAddr returns the address of the peer, as addresses are compared; not valid if it is none of the Internet.
func peerAddr(conn loop.Conn) netip.AddrPort {
	// An event loop has it in this form, where net.Addr would have to be allocated.
	if c, ok := conn.(interface{ RemoteAddrPort() netip.AddrPort }); ok {
		return c.RemoteAddrPort()
	}
	return addrPortOf(conn.RemoteAddr())
}

// addrPortOf returns the address of a socket, as addresses are compared; not valid if it is none of the Internet.
func addrPortOf(addr net.Addr) netip.AddrPort {
	switch addr := addr.(type) {
	case nil:
		return netip.AddrPort{}
	case *net.TCPAddr:
		return plainAddrPort(addr.AddrPort())
	}
	return parseAddrPort(addr.String())
}

// parseAddrPort reads an address that net/http gives, or a middleware in its place, which may leave the port out.
func parseAddrPort(s string) netip.AddrPort {
	if addrPort, err := netip.ParseAddrPort(s); err == nil {
		return plainAddrPort(addrPort)
	}
	addr, _ := netip.ParseAddr(s)
	return plainAddrPort(netip.AddrPortFrom(addr, 0))
}

func plainAddrPort(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}
