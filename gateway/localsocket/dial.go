package localsocket

import (
	"context"
	"fmt"
	"net"
)

// Dial connects to the local socket at path. It does not if somebody else may listen there in the server's place.
func Dial(ctx context.Context, path string) (net.Conn, error) {
	if err := checkFolder(path); err != nil {
		return nil, err
	}
	nc, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("gateway: no server at the local socket: %w", err)
	}
	return nc, nil
}
