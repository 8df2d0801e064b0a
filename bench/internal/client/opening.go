//go:build linux

package client

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"

	"golang.org/x/sys/unix"

	"github.com/molva-ws/molva/bench/internal/netpoll"
)

// ErrHandshake says that the server did not answer with a WebSocket.
var ErrHandshake = errors.New("opening handshake failed")

// handshake is the request all connections of a fleet send, and the answer to
// its key (RFC 6455 §4.1). One key does for all: nothing here caches.
type handshake struct {
	request []byte
	accept  string
}

const largestResponse = 16 << 10

func newHandshake(target Target) handshake {
	const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
	if target.Path == "" {
		return handshake{}
	}
	nonce := make([]byte, 16)
	rand.Read(nonce)
	key := base64.StdEncoding.EncodeToString(nonce)
	sum := sha1.Sum([]byte(key + guid))
	return handshake{
		request: fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
			"Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n", target.Path, target.Addr, key),
		accept: base64.StdEncoding.EncodeToString(sum[:]),
	}
}

func (c *Conn) connect() error {
	target := &c.fleet.target
	fd, err := netpoll.Connect(target.Addr, target.Source)
	if err != nil {
		return fmt.Errorf("connection %d: %w", c.ID, advise(err))
	}
	c.fd = fd
	return c.fleet.poller.AddConn(fd, int32(c.ID))
}

// advise says what to do about a limit of the machine.
func advise(err error) error {
	switch {
	case errors.Is(err, unix.EMFILE):
		return fmt.Errorf("%w: raise the limit with `ulimit -n`, or share the connections out among processes", err)
	case errors.Is(err, unix.EADDRNOTAVAIL):
		return fmt.Errorf("%w: no local port is left, come from another address (127.0.0.2, …) "+
			"or widen net.ipv4.ip_local_port_range", err)
	}
	return err
}

// connected goes on once the socket is connected or has failed to.
func (c *Conn) connected() error {
	if err := netpoll.Pending(c.fd); err != nil {
		return fmt.Errorf("connect: %w", advise(err))
	}
	request := c.fleet.handshake.request
	if len(request) == 0 {
		c.opened()
		return nil
	}
	c.state = shaking
	n, err := c.write(request)
	if err == nil && n < len(request) { // a fresh socket has room for it
		err = fmt.Errorf("%w: only %d bytes of the request sent", ErrHandshake, n)
	}
	return err
}

func (c *Conn) opened() {
	c.state = open
	c.fleet.ready++
}

// shake collects the response and answers the bytes behind it.
func (c *Conn) shake(b []byte) ([]byte, error) {
	c.partial = append(c.partial, b...)
	head, rest, whole := bytes.Cut(c.partial, []byte("\r\n\r\n"))
	if !whole {
		if len(c.partial) > largestResponse {
			return nil, fmt.Errorf("%w: the response does not end", ErrHandshake)
		}
		return nil, nil
	}
	response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(append(head, "\r\n\r\n"...))), nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHandshake, err)
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		return nil, fmt.Errorf("%w: %s", ErrHandshake, response.Status)
	}
	if response.Header.Get("Sec-WebSocket-Accept") != c.fleet.handshake.accept {
		return nil, fmt.Errorf("%w: wrong Sec-WebSocket-Accept", ErrHandshake)
	}
	if extensions := response.Header.Get("Sec-WebSocket-Extensions"); extensions != "" {
		return nil, fmt.Errorf("%w: %q was not offered", ErrHandshake, extensions)
	}
	c.partial = nil
	c.opened()
	return rest, nil
}
