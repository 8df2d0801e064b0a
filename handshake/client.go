package handshake

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// NewRequest returns the opening handshake with which a client asks rawURL for
// a WebSocket (RFC 6455 §4.1). The schemes ws and wss, as well as http and
// https, name the server; the request's URL has http or https, which is what
// the proxy settings of net/http understand. A user in the URL goes into
// Authorization, unless header has that field. The fields of header, which may
// be nil, are added and header itself is not kept; its Host, if any, is asked for
// in place of the URL's.
//
// The error is a *URLError, or a *HeaderError if header has a field that the
// handshake sets itself or that is malformed, if the key is not one or if
// subprotocols or extensions are no tokens or repeated.
func NewRequest(ctx context.Context, rawURL string, offer Offer, header http.Header) (*http.Request, error) {
	target, err := parseURL(rawURL)
	if err != nil {
		return nil, err
	}
	if err := offer.check(); err != nil {
		return nil, err
	}
	host, header, err := cutHost(header)
	if err != nil {
		return nil, err
	}
	if err := checkHeader(header); err != nil {
		return nil, err
	}
	user := target.User
	target.User = nil
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, &URLError{target.String(), err.Error()}
	}
	if host != "" {
		r.Host = host
	}
	for _, name := range fieldNames(header) {
		for _, value := range header[name] {
			r.Header.Add(name, value)
		}
	}
	if user != nil && r.Header.Get("Authorization") == "" {
		password, _ := user.Password()
		r.SetBasicAuth(user.Username(), password)
	}
	offer.addTo(r.Header)
	return r, nil
}

// cutHost takes Host, which net/http keeps apart from the other fields, out of
// header. host is "" if it is not there.
func cutHost(header http.Header) (host string, rest http.Header, err error) {
	rest = make(http.Header, len(header))
	for name, values := range header {
		if !equalFold(name, fieldHost) {
			rest[name] = values
			continue
		}
		if host != "" || len(values) != 1 {
			return "", nil, &HeaderError{fieldHost, "given more than once, or empty"}
		}
		if _, _, ok := splitHostPort(values[0]); !ok {
			return "", nil, &HeaderError{fieldHost, quote(values[0]) + " is not host[:port]"}
		}
		host = values[0]
	}
	return host, rest, nil
}

// addTo sets the fields of the handshake (RFC 6455 §4.1, items 5 to 11). All
// subprotocols go into one line, as do all extensions.
func (o Offer) addTo(h http.Header) {
	h[fieldUpgrade] = []string{"websocket"}
	h[fieldConnection] = []string{"Upgrade"}
	h[fieldVersion] = []string{version}
	h[fieldKey] = []string{o.Key}
	if len(o.Subprotocols) > 0 {
		h[fieldSubprotocol] = []string{strings.Join(o.Subprotocols, ", ")}
	}
	if len(o.Extensions) > 0 {
		h[fieldExtensions] = []string{string(AppendExtensions(nil, o.Extensions))}
	}
}

func (o Offer) check() error {
	if !isKey(o.Key) {
		return &HeaderError{Name: "Sec-WebSocket-Key", Reason: "not 16 bytes in base64"}
	}
	if err := checkSubprotocols(o.Subprotocols); err != nil {
		return err
	}
	return checkExtensions(o.Extensions)
}

// ResponseError reports a response that does not open a WebSocket.
type ResponseError struct {
	Status int   // HTTP status of the response
	Err    error // a *HeaderError or *DeflateError; nil if the status is the fault, not being 101
}

func (e *ResponseError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("opening handshake: the server answered %d %s", e.Status, http.StatusText(e.Status))
	}
	return "opening handshake: " + e.Err.Error()
}

// Unwrap returns what is wrong with a response of status 101.
func (e *ResponseError) Unwrap() error { return e.Err }

// CheckResponse checks, for a client, that response accepts the handshake made
// from offer (RFC 6455 §4.1, items 1 to 6 at its end; RFC 7692 §7.1), and
// returns what was agreed. The error is a *ResponseError, upon which the client
// closes the connection. The body of the response is left to the caller.
func CheckResponse(response *http.Response, offer Offer) (Agreement, error) {
	if response.StatusCode != http.StatusSwitchingProtocols {
		return Agreement{}, &ResponseError{Status: response.StatusCode}
	}
	agreed, err := checkAcceptance(response.Header, offer)
	if err != nil {
		return Agreement{}, &ResponseError{response.StatusCode, err}
	}
	return agreed, nil
}

// checkAcceptance checks the header of a 101 response.
func checkAcceptance(h http.Header, offer Offer) (Agreement, error) {
	if upgrade := h[fieldUpgrade]; len(upgrade) != 1 || !equalFold(upgrade[0], "websocket") {
		return Agreement{}, &HeaderError{fieldUpgrade, "is not websocket"}
	}
	if !hasToken(h[fieldConnection], "upgrade") {
		return Agreement{}, &HeaderError{fieldConnection, "lacks Upgrade"}
	}
	if accept := h[fieldAccept]; len(accept) != 1 || accept[0] != AcceptKey(offer.Key) {
		return Agreement{}, &HeaderError{"Sec-WebSocket-Accept", "does not answer the key"}
	}
	subprotocol, err := acceptedSubprotocol(h[fieldSubprotocol], offer.Subprotocols)
	if err != nil {
		return Agreement{}, err
	}
	extensions, err := ParseExtensions(h[fieldExtensions])
	if err != nil {
		return Agreement{}, err
	}
	deflate, err := acceptedDeflate(extensions, offer.Extensions)
	if err != nil {
		return Agreement{}, err
	}
	return Agreement{subprotocol, deflate}, nil
}
