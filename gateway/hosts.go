package gateway

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/molva-ws/molva"
)

// checkHost returns the answer to a request that names a host other than those of Gateway.Hosts, nil for others. A page
// from elsewhere may have its own name point to this server (DNS rebinding). Its requests then look as if they came
// from a page of this server, but for the name that they bear.
func (g *Gateway) checkHost(r *http.Request) *molva.Refusal {
	hosts := g.policy.Load().Hosts
	if len(hosts) == 0 {
		return nil
	}
	host := hostname(r.Host)
	for _, allowed := range hosts {
		if strings.EqualFold(allowed, host) || strings.EqualFold(allowed, "localhost") && isLoopback(host) {
			return nil
		}
	}
	return &molva.Refusal{
		Status: http.StatusMisdirectedRequest,
		Reason: "this server does not answer to the name in Host; whoever runs it says which names are its own",
	}
}

// hostname returns a Host without its port, and without the brackets and dots around it.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.TrimSuffix(host, ".")
}

// isLoopback reports whether a host is this machine for whoever resolves it (RFC 6761 §6.3).
func isLoopback(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Unmap().IsLoopback()
	}
	host = strings.ToLower(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
