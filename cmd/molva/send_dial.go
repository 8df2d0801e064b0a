package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/molva-ws/molva/gateway/api"
	"github.com/molva-ws/molva/gateway/localsocket"
	"github.com/molva-ws/molva/gateway/remote"
)

// dial finds the server: where the flags say it is, else the environment, else by the default socket.
func (c *sendCmd) dial(ctx context.Context) (*remote.Gateway, error) {
	if c.Socket != "" && c.URL != "" && c.URL != os.Getenv("MOLVA_URL") {
		return nil, usage("--socket and --url are two ways to the server; give one of them")
	}
	if c.Socket == "" && c.URL != "" {
		return c.dialURL()
	}
	socket := c.Socket
	if socket == "" {
		socket = os.Getenv("MOLVA_SOCKET")
	}
	if socket == "" || socket == "none" {
		socket = localsocket.DefaultPath()
	}
	if address, ok := strings.CutPrefix(socket, "tcp:"); ok {
		return c.dialTCP(ctx, address)
	}
	server, err := remote.DialSocket(ctx, socket)
	return server, socketError(err, socket)
}

func (c *sendCmd) dialURL() (*remote.Gateway, error) {
	if c.Key == "" {
		return nil, usage("--url needs the server's key, in MOLVA_KEY or as --key: molva serve printed it, or was given it")
	}
	if u, err := url.Parse(c.URL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, usage("--url: %q is not an address such as https://example.com", c.URL)
	}
	return remote.New(c.URL, c.Key)
}

func (c *sendCmd) dialTCP(ctx context.Context, address string) (*remote.Gateway, error) {
	if c.Key == "" {
		return nil, usage("a socket on TCP needs the server's key, in MOLVA_KEY or as --key")
	}
	server, err := remote.DialTCP(ctx, address, c.Key)
	return server, socketError(err, "tcp:"+address)
}

// socketError says what to do about a socket that does not answer.
func socketError(err error, socket string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, errConnRefused):
		return fmt.Errorf("no server runs at the local socket %s;\nstart one with: %s serve\n"+
			"or say where it is: --socket PATH, or --url URL and its key", socket, invocation())
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the local socket %s belongs to another user;\n"+
			"run this as that user or as a member of the group that it has, or use --url and the server's key", socket)
	}
	return fmt.Errorf("the local socket %s: %w", socket, trimmed(err))
}

// explain says what to do about an error of a connection.
func (c *sendCmd) explain(err error) error {
	var dialing *net.OpError
	if errors.As(err, &dialing) && dialing.Op == "dial" {
		return fmt.Errorf("no server answers at %s: %w; is molva serve running there?", c.URL, dialing.Err)
	}
	return trimmed(err)
}

// refused makes an error of an answer that says no.
func (c *sendCmd) refused(answer *api.Answer) error {
	if answer.Error == api.ErrUnauthorized {
		return fmt.Errorf("%s: %s; the right key is the one that molva serve printed at its start, or was given",
			answer.Error, answer.Message)
	}
	return fmt.Errorf("%s: %s", answer.Error, answer.Message)
}

// trimmed takes away the name of the package, which says nothing here.
func trimmed(err error) error { return &shortError{err} }

type shortError struct{ error }

func (e *shortError) Error() string { return strings.TrimPrefix(e.error.Error(), "gateway: ") }

func (e *shortError) Unwrap() error { return e.error }
