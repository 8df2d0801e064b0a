package molva

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/molva-ws/molva/handshake"
	"github.com/molva-ws/molva/internal/buffer"
	"github.com/molva-ws/molva/internal/loop"
	"github.com/molva-ws/molva/internal/proxy"
	"github.com/molva-ws/molva/wire"
)

// DialOptions configures [Dial]. The zero value is what nil means.
type DialOptions struct {
	// Header is added to the request: Origin, Cookie, Authorization, User-Agent and such.
	Header http.Header
	// Subprotocols to offer, the preferred one first.
	Subprotocols []string
	// TLSConfig is for wss, and for a proxy that is reached by https.
	TLSConfig *tls.Config
	// Proxy returns the proxy to use for a URL, of scheme http or https; nil for none. Default: the environment's, as
	// [http.ProxyFromEnvironment] finds it. Schemes are http, https, socks5 and socks5h.
	Proxy func(*url.URL) (*url.URL, error)
	// DialContext makes the TCP connection; default: that of a [net.Dialer].
	DialContext func(ctx context.Context, network, addr string) (net.Conn, error)

	Limits      Limits
	Timeouts    Timeouts
	Compression Compression
	// Logger gets what nobody else is told; default: slog.Default().
	Logger *slog.Logger
}

// maxRefusalBody bounds how much of a refused handshake's body is kept.
const maxRefusalBody = 64 << 10

// Dial opens a connection to a URL of scheme ws or wss. The context, and Timeouts.Handshake, bound the opening only.
//
// The response is the server's answer to the handshake. When the server refuses it, the error is a
// [*handshake.ResponseError] and the response's body, up to 64 KiB of it, can be read; it need not be closed. Without
// an answer the response is nil.
func Dial(ctx context.Context, rawURL string, opts *DialOptions) (*Conn, *http.Response, error) {
	if opts == nil {
		opts = &DialOptions{}
	}
	set := newSettings(opts.Limits, opts.Timeouts, opts.Compression, SlowRefuse, opts.Logger)
	ctx, cancel := context.WithTimeout(ctx, min(set.handshake, 24*time.Hour))
	defer cancel()
	offer := handshake.Offer{
		Key:          handshake.NewKey(),
		Subprotocols: opts.Subprotocols,
		Extensions:   set.deflateOffer(),
	}
	request, err := handshake.NewRequest(ctx, rawURL, offer, opts.Header)
	if err != nil {
		return nil, nil, fmt.Errorf("molva: dial: %w", err)
	}
	nc, err := opts.connect(ctx, request.URL)
	if err != nil {
		return nil, nil, fmt.Errorf("molva: dial %s: %w", request.URL.Host, err)
	}
	c, response, err := open(ctx, nc, request, offer, set)
	if err != nil {
		nc.Close()
		return nil, response, fmt.Errorf("molva: dial %s: %w", request.URL.Host, err)
	}
	return c, response, nil
}

// deflateOffer returns the extensions to offer.
func (s *settings) deflateOffer() []handshake.Extension {
	if !s.compression.Enabled {
		return nil
	}
	wish := s.deflateWish()
	if wish.ClientMaxWindowBits == 0 {
		wish.ClientMaxWindowBits = handshake.AnyWindowBits
	}
	return []handshake.Extension{wish.Extension()}
}

// connect opens the way to the server: TCP, through a proxy or not, and TLS.
func (o *DialOptions) connect(ctx context.Context, u *url.URL) (net.Conn, error) {
	find := o.Proxy
	if find == nil {
		find = proxy.FromEnvironment
	}
	via, err := find(u)
	if err != nil {
		return nil, err
	}
	dial := o.DialContext
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	secure := u.Scheme == "https"
	port := u.Port()
	if port == "" {
		port = "80"
		if secure {
			port = "443"
		}
	}
	dialer := proxy.Dialer{Dial: dial, TLSConfig: o.TLSConfig}
	nc, err := dialer.DialContext(ctx, via, net.JoinHostPort(u.Hostname(), port))
	if err != nil || !secure {
		return nc, err
	}
	return o.secure(ctx, nc, u.Hostname())
}

// secure speaks TLS on nc. WebSocket needs HTTP/1.1.
func (o *DialOptions) secure(ctx context.Context, nc net.Conn, host string) (net.Conn, error) {
	config := o.TLSConfig.Clone()
	if config == nil {
		config = &tls.Config{}
	}
	if config.ServerName == "" {
		config.ServerName = host
	}
	config.NextProtos = []string{"http/1.1"}
	secured := tls.Client(nc, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		nc.Close()
		return nil, err
	}
	return secured, nil
}

// open does the opening handshake on nc.
func open(ctx context.Context, nc net.Conn, r *http.Request, offer handshake.Offer, set *settings) (*Conn, *http.Response, error) {
	stop := context.AfterFunc(ctx, func() { nc.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := r.Write(nc); err != nil {
		return nil, nil, errors.Join(err, ctx.Err())
	}
	limited := &io.LimitedReader{R: nc, N: defaultHeaderBytes}
	reader := bufio.NewReaderSize(limited, 4<<10)
	response, err := http.ReadResponse(reader, r)
	if err != nil {
		if limited.N == 0 {
			err = fmt.Errorf("response header is longer than %d bytes: %w", defaultHeaderBytes, err)
		}
		return nil, nil, errors.Join(err, ctx.Err())
	}
	agreed, err := handshake.CheckResponse(response, offer)
	if err != nil {
		limited.N = maxRefusalBody
		body, _ := io.ReadAll(io.LimitReader(response.Body, maxRefusalBody))
		response.Body = io.NopCloser(bytes.NewReader(body))
		return nil, response, err
	}
	if !stop() {
		return nil, nil, ctx.Err()
	}
	var early *buffer.Buffer
	if n := reader.Buffered(); n > 0 {
		early = buffer.Get(n)
		peeked, _ := reader.Peek(n)
		early.Append(peeked)
	}
	c := newConn(wire.Client, loop.NewStream(nc, &set.outbox, early), set, &agreed)
	c.startPull()
	return c, response, nil
}
