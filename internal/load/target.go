package load

import (
	"bytes"
	"context"
	"net"
	"net/netip"

	"github.com/molva-ws/molva/handshake"
	"github.com/molva-ws/molva/internal/loop"
)

// A target is the server, and the request that all connections open with. One key does for all: what it is there to
// foil, a cache between, would make every figure of the run wrong anyway.
type target struct {
	addr      netip.AddrPort
	host      string // the name, for TLS
	authority string // host and port as they were given
	secure    bool
	raw       bool
	offer     handshake.Offer
	request   []byte
}

func newTarget(ctx context.Context, cfg *Config) (*target, error) {
	t := &target{raw: cfg.Raw, offer: handshake.Offer{Key: handshake.NewKey()}}
	if cfg.Compress {
		d := handshake.Deflate{ServerNoContextTakeover: true, ClientNoContextTakeover: true}
		t.offer.Extensions = []handshake.Extension{d.Extension()}
	}
	if cfg.Molva {
		t.offer.Subprotocols = []string{"molva.v1"}
	}
	r, err := handshake.NewRequest(ctx, cfg.URL, t.offer, cfg.Header)
	if err != nil {
		return nil, err
	}
	t.secure, t.host, t.authority = r.URL.Scheme == "https", r.URL.Hostname(), r.URL.Host
	if t.secure && t.raw {
		return nil, wrong("raw bytes do not go over TLS")
	}
	port := r.URL.Port()
	if port == "" {
		port = map[bool]string{false: "80", true: "443"}[t.secure]
	}
	if t.addr, err = resolve(ctx, net.JoinHostPort(t.host, port)); err != nil {
		return nil, err
	}
	var request bytes.Buffer
	err = r.Write(&request)
	t.request = request.Bytes()
	return t, err
}

// resolve returns one address of the server: all connections go to the same.
func resolve(ctx context.Context, hostport string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return netip.AddrPort{}, err
	}
	number, err := net.DefaultResolver.LookupPort(ctx, "tcp", port)
	if err != nil {
		return netip.AddrPort{}, err
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	best := addrs[0].Unmap()
	for _, a := range addrs { // localhost is 127.0.0.1 to most servers
		if a = a.Unmap(); a.Is4() && !best.Is4() {
			best = a
		}
	}
	return netip.AddrPortFrom(best, uint16(number)), nil
}

// largestResponse bounds the header of the server's answer.
const largestResponse = 16 << 10

// connected goes on once there is a way to the server.
func (c *conn) connected() {
	t := c.shard.fleet.target
	if t.raw {
		c.opened()
		return
	}
	c.life++
	c.state = shaking
	c.sock.Send(loop.Head{}, t.request, loop.Urgent)
}

// shake takes the response to the opening handshake and returns what comes behind it.
func (c *conn) shake(p []byte) []byte {
	if c.partial != nil {
		c.partial.head = append(c.partial.head, p...)
		p = c.partial.head
	}
	end := bytes.Index(p, []byte("\r\n\r\n")) + 4
	if end < 4 {
		if len(p) > largestResponse {
			c.end(refused("the response's header is longer than %d bytes", largestResponse))
		} else if c.partial == nil {
			c.partial = newPartial()
			c.partial.head = append(c.partial.head, p...)
		}
		return nil
	}
	if err := c.shard.judge(p[:end]); err != nil {
		c.end(err)
		return nil
	}
	early := p[end:]
	if c.partial != nil {
		early = bytes.Clone(early)
		c.partial.free()
		c.partial = nil
	}
	if c.shard.fleet.rooms != nil {
		c.state = joining
	} else {
		c.opened()
	}
	return early
}

// opened is called once messages can be sent.
func (c *conn) opened() {
	f := c.shard.fleet
	c.state = live
	c.sock.SetTimer(0)
	f.live.Add(1)
	f.pattern.opened(c)
	f.settled()
}
