// Package proxy opens TCP connections through HTTP, HTTPS and SOCKS5 proxies.
//
// A WebSocket client asks its proxy for a tunnel to the server, for ws as well
// as for wss (RFC 6455 §4.1), and then speaks through it as if it had dialed
// the server itself. A [Dialer] opens that tunnel:
//
//	proxyURL, err := proxy.FromEnvironment(u)
//	…
//	conn, err := new(proxy.Dialer).DialContext(ctx, proxyURL, "example.com:443")
//
// The scheme of the proxy's URL chooses how it is spoken to:
//
//	http     CONNECT (RFC 9110 §9.3.6), port 80 unless the URL says otherwise
//	https    TLS to the proxy, then CONNECT, port 443
//	socks5   SOCKS 5 (RFC 1928), port 1080
//	socks5h  the same; the proxy resolves host names under both, as in net/http
//
// A user and password in the URL become Basic credentials or SOCKS 5
// username/password authentication (RFC 1929).
//
// TLS to a wss server is the caller's: it runs inside the tunnel, over the
// connection that DialContext returns.
package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
)

var (
	// ErrScheme says that the scheme of the proxy's URL is none of http, https,
	// socks5 and socks5h.
	ErrScheme = errors.New("unsupported proxy scheme")

	// ErrAddress says that the proxy's URL names no host, or that the address
	// to reach is not a host and a port number that a proxy can be asked for.
	ErrAddress = errors.New("invalid address")

	// ErrAuthentication says that the proxy refused the credentials or asked for
	// some that the URL does not hold, or that those in it are not of the kind
	// that the proxy's protocol can carry.
	ErrAuthentication = errors.New("proxy authentication failed")

	// ErrProtocol says that the proxy's answer was malformed or cut short.
	ErrProtocol = errors.New("malformed answer from proxy")

	// ErrHeaderTooLarge says that the header of the answer to CONNECT exceeds
	// 16 KiB.
	ErrHeaderTooLarge = errors.New("response header from proxy too large")
)

// Error is the failure to reach Addr through a proxy, whatever its cause. Every
// error of [Dialer.DialContext] is one, unless no proxy was involved.
type Error struct {
	// Proxy is the proxy's URL without its credentials.
	Proxy string
	// Addr is the address the proxy was to connect to.
	Addr string
	// Err is the cause: a [*ConnectError] or [*SOCKSError] when the proxy
	// refused, one of this package's Err values, the context's error, or the
	// network's.
	Err error
}

func (e *Error) Error() string {
	return fmt.Sprintf("connect to %s through proxy %s: %v", e.Addr, e.Proxy, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Dialer opens connections through proxies. The zero value is ready to use, and
// a Dialer may be used by many goroutines at once while its fields stay as they
// are.
type Dialer struct {
	// Dial connects to the proxy. Nil means [net.Dialer.DialContext] of a zero
	// net.Dialer.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)

	// TLSConfig is for the connection to an https proxy; it is cloned. An empty
	// ServerName becomes the proxy's host, and NextProtos is always http/1.1,
	// in which CONNECT is spoken.
	TLSConfig *tls.Config

	// ConnectHeader is sent with CONNECT. Credentials in the proxy's URL take
	// the place of its Proxy-Authorization.
	ConnectHeader http.Header
}

// DialContext connects to addr, a host and a port number, through the proxy at
// proxyURL. Without a proxy (nil) it connects to addr itself.
//
// The connection returned is the very one that Dial made (inside TLS for an
// https proxy), with no deadline set, unless bytes from beyond the proxy came
// along with its answer to CONNECT: then a wrapper hands those out first.
//
// The end of ctx interrupts every step. Without a deadline in ctx a silent
// proxy is waited for without limit. Errors are of type [*Error]; when one is
// returned, the connection to the proxy is closed and no goroutine is left.
func (d *Dialer) DialContext(ctx context.Context, proxyURL *url.URL, addr string) (net.Conn, error) {
	if proxyURL == nil {
		return d.dial(ctx, addr)
	}
	conn, err := d.dialThrough(ctx, proxyURL, addr)
	if err != nil {
		bare := url.URL{Scheme: proxyURL.Scheme, Host: proxyURL.Host}
		return nil, &Error{Proxy: bare.String(), Addr: addr, Err: err}
	}
	return conn, nil
}

func (d *Dialer) dialThrough(ctx context.Context, proxyURL *url.URL, addr string) (net.Conn, error) {
	proxyAddr, err := proxyAddress(proxyURL)
	if err != nil {
		return nil, err
	}
	to, err := parseTarget(addr)
	if err != nil {
		return nil, err
	}
	raw, err := d.dial(ctx, proxyAddr)
	if err != nil {
		return nil, err
	}

	release := closeWhenDone(ctx, raw)
	conn, err := d.negotiate(ctx, raw, proxyURL, to)
	ctxErr := release()
	// A refusal stands even if the context ended while its body was read.
	if refused := (*ConnectError)(nil); ctxErr != nil && !errors.As(err, &refused) {
		err = ctxErr
	}
	if err != nil {
		raw.Close()
		return nil, err
	}
	return conn, nil
}

func (d *Dialer) dial(ctx context.Context, addr string) (net.Conn, error) {
	if d.Dial != nil {
		return d.Dial(ctx, "tcp", addr)
	}
	return new(net.Dialer).DialContext(ctx, "tcp", addr)
}

// negotiate asks the proxy on the other end of raw for a tunnel and returns the
// connection to use from then on. Closing raw is the caller's.
func (d *Dialer) negotiate(ctx context.Context, raw net.Conn, proxyURL *url.URL, to target) (net.Conn, error) {
	switch proxyURL.Scheme {
	case "http":
		return connect(raw, to, proxyURL.User, d.ConnectHeader)
	case "https":
		conn := tls.Client(raw, d.proxyTLS(proxyURL.Hostname()))
		if err := conn.HandshakeContext(ctx); err != nil {
			return nil, fmt.Errorf("tls handshake: %w", err)
		}
		return connect(conn, to, proxyURL.User, d.ConnectHeader)
	default: // proxyAddress let only SOCKS through
		return raw, connectSOCKS(raw, to, proxyURL.User)
	}
}

func (d *Dialer) proxyTLS(host string) *tls.Config {
	config := d.TLSConfig.Clone()
	if config == nil {
		config = new(tls.Config)
	}
	if config.ServerName == "" {
		config.ServerName = host
	}
	config.NextProtos = []string{"http/1.1"}
	return config
}

// proxyAddress returns the host and port to dial for a proxy's URL.
func proxyAddress(u *url.URL) (string, error) {
	var port string
	switch u.Scheme {
	case "http":
		port = "80"
	case "https":
		port = "443"
	case "socks5", "socks5h":
		port = "1080"
	default:
		return "", fmt.Errorf("%w %q", ErrScheme, u.Scheme)
	}
	if u.Hostname() == "" {
		return "", fmt.Errorf("%w: proxy without a host", ErrAddress)
	}
	if p := u.Port(); p != "" {
		port = p
	}
	return net.JoinHostPort(u.Hostname(), port), nil
}

// closeWhenDone closes conn when ctx ends, which fails whatever read or write
// is under way. The function it returns stops that and returns ctx's error if
// conn was closed so; nothing touches conn any more once it has returned.
func closeWhenDone(ctx context.Context, conn net.Conn) (release func() error) {
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(closed)
		conn.Close()
	})
	return func() error {
		if stop() {
			return nil
		}
		<-closed
		return ctx.Err()
	}
}

// answerError turns an error met while reading a proxy's answer into
// [ErrProtocol], unless the network is what failed.
func answerError(err error) error {
	if netErr := net.Error(nil); errors.As(err, &netErr) {
		return err
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%w: %w", ErrProtocol, err)
}
