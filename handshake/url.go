package handshake

import (
	"errors"
	"net/url"
)

// URLError reports a URL that no WebSocket can be opened to.
type URLError struct {
	URL    string // without its password, "" if it cannot be parsed
	Reason string
}

func (e *URLError) Error() string { return "websocket URL " + quote(e.URL) + ": " + e.Reason }

// parseURL reads a ws or wss URI (RFC 6455 §3) and turns its scheme into that
// of HTTP.
func parseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		// The whole of err would repeat the URL, with the password in it.
		if parse := new(url.Error); errors.As(err, &parse) {
			err = parse.Err
		}
		return nil, &URLError{Reason: err.Error()}
	}
	shown := u.Redacted()
	switch u.Scheme {
	case "ws", "http":
		u.Scheme = "http"
	case "wss", "https":
		u.Scheme = "https"
	default:
		return nil, &URLError{shown, "the scheme is not ws or wss"}
	}
	if u.Hostname() == "" {
		return nil, &URLError{shown, "no host"}
	}
	if u.Fragment != "" {
		return nil, &URLError{shown, "a fragment has no meaning to a server"}
	}
	return u, nil
}
