package console

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/molva-ws/molva"
)

// dialing is an attempt to open a connection.
type dialing struct {
	opts    *Options
	address Address
	header  http.Header
}

func newDialing(o *Options) (*dialing, error) {
	address, err := ParseAddress(o.Address)
	if err != nil {
		return nil, err
	}
	header, err := o.header()
	if err != nil {
		return nil, err
	}
	return &dialing{opts: o, address: address, header: header}, nil
}

// connect opens the connection. The response is nil only with an error.
func (d *dialing) connect(ctx context.Context, s *screen) (*molva.Conn, *http.Response, error) {
	if d.opts.Insecure && d.address.secure() {
		s.notice("WARNING: --insecure: the server's certificate is not checked. " +
			"Anybody on the way can read and change what is said.")
	}
	slow := time.AfterFunc(2*time.Second, func() { s.event("still connecting to %s", d.address) })
	defer slow.Stop()
	c, response, err := molva.Dial(ctx, d.address.URL.String(), d.options())
	if err != nil {
		return nil, nil, d.explain(ctx, response, err)
	}
	return c, response, nil
}

func (d *dialing) options() *molva.DialOptions {
	o := d.opts
	options := &molva.DialOptions{
		Header:       d.header,
		Subprotocols: o.Subprotocols,
		TLSConfig:    &tls.Config{InsecureSkipVerify: o.Insecure},
		Limits:       molva.Limits{Message: int64(o.maxMessage()), Fragments: -1},
		Timeouts: molva.Timeouts{
			Handshake: o.Timeout,
			Ping:      keepalive(o.Keepalive / 2),
			Pong:      keepalive(o.Keepalive),
			Write:     keepalive(o.Keepalive),
			Close:     closeTimeout,
		},
		Compression: molva.Compression{Enabled: o.Compress, Takeover: true},
	}
	if o.Unix != "" {
		options.Proxy = func(*url.URL) (*url.URL, error) { return nil, nil }
		options.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", o.Unix)
		}
	}
	return options
}

// keepalive translates an option to the convention of [molva.Timeouts].
func keepalive(d time.Duration) time.Duration {
	if d <= 0 {
		return -1
	}
	return d
}

// timeout returns the bound on the opening.
func (o *Options) timeout() time.Duration {
	if o.Timeout > 0 {
		return o.Timeout
	}
	return 10 * time.Second
}
