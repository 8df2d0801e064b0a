package handshake

import (
	"slices"
	"strings"
)

// maxSubprotocols bounds what one client may offer, all header lines together.
const maxSubprotocols = 64

// ParseSubprotocols reads the lines of a Sec-WebSocket-Protocol header: what a
// client offers, in its order of preference (RFC 6455 §4.1, §11.3.4). The error
// is a *HeaderError: an element is no token, nothing is listed at all, or more
// than 64 are.
func ParseSubprotocols(lines []string) ([]string, error) {
	if len(lines) == 0 {
		return nil, nil
	}
	var names []string
	for _, line := range lines {
		for rest, more := line, true; more; {
			var name string
			name, rest, more = strings.Cut(rest, ",")
			if name = trimSpace(name); name == "" {
				continue // an empty element says nothing (RFC 9110 §5.6.1)
			}
			if !isToken(name) {
				return nil, subprotocolError(quote(name) + " is not a token")
			}
			if len(names) == maxSubprotocols {
				return nil, subprotocolError("more than 64 subprotocols")
			}
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, subprotocolError("no subprotocol listed")
	}
	return names, nil
}

// ChooseSubprotocol returns the first of the server's supported subprotocols
// that the client offered, or "" if none was, in which case the connection
// opens without (RFC 6455 §4.2.2). Names are compared with case.
func ChooseSubprotocol(supported, offered []string) string {
	for _, name := range supported {
		if slices.Contains(offered, name) {
			return name
		}
	}
	return ""
}

// acceptedSubprotocol returns, for a client, the subprotocol in the lines of a
// server's response, "" for none. A *HeaderError says that it is not one of
// those offered, or more than one (RFC 6455 §4.1).
func acceptedSubprotocol(lines, offered []string) (string, error) {
	switch {
	case len(lines) == 0:
		return "", nil
	case len(lines) > 1:
		return "", subprotocolError("more than one subprotocol accepted")
	case !slices.Contains(offered, lines[0]):
		return "", subprotocolError(quote(lines[0]) + " accepted, which was not offered")
	}
	return lines[0], nil
}

// checkSubprotocols reports as a *HeaderError an offer that a client may not
// make: elements have to be tokens and unique (RFC 6455 §4.1).
func checkSubprotocols(names []string) error {
	if len(names) > maxSubprotocols {
		return subprotocolError("more than 64 subprotocols")
	}
	for i, name := range names {
		if !isToken(name) {
			return subprotocolError(quote(name) + " is not a token")
		}
		if slices.Contains(names[:i], name) {
			return subprotocolError(name + " is listed twice")
		}
	}
	return nil
}

func subprotocolError(reason string) error {
	return &HeaderError{Name: "Sec-WebSocket-Protocol", Reason: reason}
}
