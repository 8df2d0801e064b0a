package load

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
)

// sources are the addresses that connections come from, in turn. Without any the system chooses.
type sources []netip.Addr

func (s sources) of(c *conn) netip.Addr {
	if len(s) == 0 {
		return netip.Addr{}
	}
	return s[int(c.id)%len(s)]
}

// newSources takes the addresses that were given. To a server on 127.0.0.0/8, all of which are this machine's, it takes
// as many as it needs to open all connections quickly.
func newSources(cfg *Config, t *target) (sources, error) {
	to := t.addr.Addr()
	for _, a := range cfg.Sources {
		if a.Is4() != to.Is4() {
			return nil, wrong("from %v there is no way to %v", a, t.addr)
		}
	}
	needed := sourcesFor(cfg.Conns)
	if len(cfg.Sources) > 0 || needed == 1 || !wholeLoopback || !to.Is4() || !to.IsLoopback() {
		return cfg.Sources, nil
	}
	return loopbackSources(needed), nil
}

// sourcesFor returns how many addresses so many connections take. Linux looks through the ports of an address for one
// that is free, first through the even ones, and gets very slow as those run out; so an eighth of all is taken, which
// leaves room for others that drive the same server.
func sourcesFor(conns int) int {
	perSource := max(1, localPorts()/8)
	return min((conns+perSource-1)/perSource, mostSources)
}

// mostSources is enough for as many connections as there may be, with the usual number of ports.
const mostSources = 1200

// loopbackSources returns n addresses in a row that begin at a random place, so that several load tests that run side by
// side, as each may have no more than so many descriptors, take no ports from each other.
func loopbackSources(n int) sources {
	const first, last = 127<<24 | 1<<16, 127<<24 | 255<<16
	list := make(sources, n)
	at := first + rand.IntN(last-first-n)
	for i := range list {
		list[i] = netip.AddrFrom4([4]byte{127, byte(at >> 16), byte(at >> 8), byte(at)})
		at++
	}
	return list
}

// limit says why there is no address to come from.
func (s sources) limit(err error, f *fleet) error {
	if strings.Contains(err.Error(), "bind") {
		var lift []string
		for _, a := range s {
			if !a.IsLoopback() {
				lift = append(lift, fmt.Sprintf("sudo ip addr add %v/32 dev lo", a))
			}
		}
		return &LimitError{"a source address is not this machine's", err, lift[:min(len(lift), 5)]}
	}
	lift := []string{"sudo sysctl -w net.ipv4.ip_local_port_range='1024 65535'"}
	if to := f.target.addr.Addr(); to.Is4() && to.IsLoopback() {
		last := netip.AddrFrom4([4]byte{127, 0, 0, byte(min(250, 1+max(2, sourcesFor(f.cfg.Conns))))})
		lift = append(lift, fmt.Sprintf("molva bench … --source 127.0.0.2-%v    # each address has ports of its own", last))
	} else {
		lift = append(lift, "molva bench … --source ADDRESS,ADDRESS    # each address of this machine has ports of its own")
	}
	return &LimitError{fmt.Sprintf("no local port is left: %d connections come from %d of this machine's addresses, and each has "+
		"%d ports for that (ip_local_port_range)", f.cfg.Conns, max(1, len(s)), localPorts()), err, lift}
}
