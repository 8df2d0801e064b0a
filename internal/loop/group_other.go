//go:build !linux

package loop

import (
	"context"
	"errors"
	"net"
)

// A Group is a number of event loops that share the connections among them. There are none on this system.
type Group struct{}

// A Listener accepts connections for a [Group].
type Listener struct{}

// NewGroup returns [errors.ErrUnsupported].
func NewGroup(GroupConfig) (*Group, error) { return nil, errors.ErrUnsupported }

// Adopt returns [errors.ErrUnsupported].
func (*Group) Adopt(net.Conn, []byte, func(Conn) Handler) error { return errors.ErrUnsupported }

// Listen returns [errors.ErrUnsupported].
func (*Group) Listen(net.Listener, func(Conn) Handler) (*Listener, error) {
	return nil, errors.ErrUnsupported
}

// ListenReusePort returns [errors.ErrUnsupported].
func (*Group) ListenReusePort(string, string, bool, func(Conn) Handler) (*Listener, error) {
	return nil, errors.ErrUnsupported
}

// Shutdown does nothing.
func (*Group) Shutdown(context.Context) error { return nil }

// Close does nothing.
func (*Group) Close() error { return nil }

// Stats returns zeros.
func (*Group) Stats() GroupStats { return GroupStats{} }

// Addr returns nil.
func (*Listener) Addr() net.Addr { return nil }

// Close does nothing.
func (*Listener) Close() error { return nil }
