//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// What can be wrong with a server's answer.
var (
	errHandshake = errors.New("opening handshake failed")
	errClosing   = errors.New("closing handshake failed")
)

// The key is the same each time: nothing here caches.
const (
	key  = "bW9sdmEgaXMgbW9sdmEhIQ=="
	guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
)

var (
	// closeFrame is a close with code 1000, masked with a key of zeros, which is a legal one (RFC 6455 §5.5.1).
	closeFrame = []byte{0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8}
	closeReply = []byte{0x88, 0x02, 0x03, 0xe8}
)

// client makes one connection after the other.
type client struct {
	*config
	request []byte
	accept  string
	in      *bufio.Reader
	echoed  []byte
}

func newClient(c *config) *client {
	sum := sha1.Sum([]byte(key + guid))
	request := fmt.Appendf(nil, "GET / HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n", c.addr, key)
	return &client{
		config:  c,
		request: request,
		accept:  base64.StdEncoding.EncodeToString(sum[:]),
		in:      bufio.NewReader(nil),
		echoed:  make([]byte, len(request)),
	}
}

// visit makes one connection from beginning to end and answers how long opening took.
func (c *client) visit(ctx context.Context) (opening time.Duration, err error) {
	began := time.Now()
	// A visit that has begun is finished, so that the server is not left with half of one.
	nc, err := (&net.Dialer{Timeout: c.limit}).DialContext(context.WithoutCancel(ctx), "tcp", c.addr)
	if err != nil {
		return 0, err
	}
	defer nc.Close()
	if err := nc.SetDeadline(began.Add(c.limit)); err != nil {
		return 0, err
	}
	c.in.Reset(nc)
	if c.raw {
		return c.visitRaw(nc.(*net.TCPConn), began)
	}
	if _, err := nc.Write(c.request); err != nil {
		return 0, err
	}
	if err := c.readResponse(); err != nil {
		return 0, fmt.Errorf("%w: %w", errHandshake, err)
	}
	opening = time.Since(began)
	if _, err := nc.Write(closeFrame); err != nil {
		return 0, err
	}
	return opening, c.expectEnd(closeReply)
}

// expectEnd wants these bytes and the end of the stream.
func (c *client) expectEnd(want []byte) error {
	rest, err := io.ReadAll(c.in)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", errClosing, err)
	case !bytes.Equal(rest, want):
		return fmt.Errorf("%w: got % x, want % x", errClosing, rest, want)
	}
	return nil
}

func (c *client) readResponse() error {
	response, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		return errors.New(response.Status)
	}
	if response.Header.Get("Sec-WebSocket-Accept") != c.accept {
		return errors.New("wrong Sec-WebSocket-Accept")
	}
	return nil
}

// visitRaw sends as many bytes, and has them come back.
func (c *client) visitRaw(nc *net.TCPConn, began time.Time) (opening time.Duration, err error) {
	if err := c.exchange(nc, c.request); err != nil {
		return 0, err
	}
	opening = time.Since(began)
	if err := c.exchange(nc, closeFrame); err != nil {
		return 0, err
	}
	if err := nc.CloseWrite(); err != nil {
		return 0, err
	}
	return opening, c.expectEnd(nil)
}

func (c *client) exchange(nc net.Conn, b []byte) error {
	if _, err := nc.Write(b); err != nil {
		return err
	}
	echoed := c.echoed[:len(b)]
	if _, err := io.ReadFull(c.in, echoed); err != nil {
		return fmt.Errorf("%w: %w", errHandshake, err)
	}
	if !bytes.Equal(echoed, b) {
		return fmt.Errorf("%w: other bytes came back", errHandshake)
	}
	return nil
}
