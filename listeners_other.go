//go:build !unix

package molva

import "net"

// Listeners returns nothing: there is no service manager here that passes sockets.
func Listeners() (listeners []net.Listener, names []string, err error) { return nil, nil, nil }
