package handshake

import (
	"fmt"
	"net/http"
)

// Offer is what a client's opening handshake asks for. A client fills it for
// [NewRequest]; a server receives an equal one from [CheckRequest].
type Offer struct {
	Key          string      // Sec-WebSocket-Key; see [NewKey]
	Subprotocols []string    // in the client's order of preference
	Extensions   []Extension // in the client's order of preference
}

// IsUpgrade reports whether r wants a WebSocket, be it with a correct handshake
// or not: it has the token websocket in Upgrade, or a Sec-WebSocket-Key whose
// Upgrade a proxy must have lost. It costs a look into two header fields, to
// tell handshakes from a server's other requests.
func IsUpgrade(r *http.Request) bool {
	return hasToken(r.Header[fieldUpgrade], "websocket") || len(r.Header[fieldKey]) > 0
}

// CheckRequest checks, for a server, that r is an opening handshake as RFC 6455
// §4.2.1 wants it, and returns what it offers. Where it is not, the error is a
// *Refusal with the status:
//
//   - 505 for any protocol but HTTP/1.1 and its successors in HTTP/1;
//   - 405 for any method but GET, with Allow;
//   - 426 for a request without the token websocket in Upgrade, with Upgrade;
//   - 426 for another version of the protocol, with Sec-WebSocket-Version;
//   - 400 for anything else that is missing, repeated or malformed, and for a
//     request with a body, which could not be told from the first frames.
//
// The origin is left to [CheckOrigin].
func CheckRequest(r *http.Request) (Offer, error) {
	for _, check := range [...]func(*http.Request) *Refusal{
		checkProtocol, checkUpgrade, checkVersion, checkKey, checkFraming,
	} {
		if refusal := check(r); refusal != nil {
			return Offer{}, refusal
		}
	}
	subprotocols, err := ParseSubprotocols(r.Header[fieldSubprotocol])
	if err != nil {
		return Offer{}, badRequest(err.Error())
	}
	extensions, err := ParseExtensions(r.Header[fieldExtensions])
	if err != nil {
		return Offer{}, badRequest(err.Error())
	}
	return Offer{r.Header[fieldKey][0], subprotocols, extensions}, nil
}

func checkProtocol(r *http.Request) *Refusal {
	if r.ProtoMajor != 1 || r.ProtoMinor < 1 {
		return &Refusal{
			Status: http.StatusHTTPVersionNotSupported,
			Reason: fmt.Sprintf("a WebSocket opens over HTTP/1.1 and this request came over HTTP/%d.%d; "+
				"a proxy in front has to speak HTTP/1.1 to this server", r.ProtoMajor, r.ProtoMinor),
		}
	}
	if r.Method != http.MethodGet {
		return &Refusal{
			Status: http.StatusMethodNotAllowed,
			Reason: "a WebSocket opens with the method GET, not " + quote(r.Method),
			Header: http.Header{"Allow": {http.MethodGet}},
		}
	}
	return nil
}

func checkUpgrade(r *http.Request) *Refusal {
	if !hasToken(r.Header[fieldUpgrade], "websocket") {
		reason := "this is a WebSocket endpoint and the request lacks Upgrade: websocket; connect with a WebSocket client"
		if IsUpgrade(r) {
			reason = "the request has a Sec-WebSocket-Key but lacks Upgrade: websocket; " +
				"a proxy on the way has to pass the headers Upgrade and Connection on"
		}
		return &Refusal{
			Status: http.StatusUpgradeRequired,
			Reason: reason,
			Header: http.Header{fieldUpgrade: {"websocket"}},
		}
	}
	if !hasToken(r.Header[fieldConnection], "upgrade") {
		return badRequest("the request lacks Connection: Upgrade; a proxy on the way has to pass it on")
	}
	return nil
}

func checkVersion(r *http.Request) *Refusal {
	versions := r.Header[fieldVersion]
	if len(versions) > 1 {
		return badRequest("the request has more than one Sec-WebSocket-Version")
	}
	if len(versions) == 0 || versions[0] != version {
		return &Refusal{
			Status: http.StatusUpgradeRequired,
			Reason: "this server speaks version 13 of the WebSocket protocol only; send Sec-WebSocket-Version: 13",
			Header: http.Header{fieldUpgrade: {"websocket"}, fieldVersion: {version}},
		}
	}
	return nil
}

func checkKey(r *http.Request) *Refusal {
	switch keys := r.Header[fieldKey]; {
	case len(keys) == 0:
		return badRequest("the request lacks a Sec-WebSocket-Key")
	case len(keys) > 1:
		return badRequest("the request has more than one Sec-WebSocket-Key")
	case !isKey(keys[0]):
		return badRequest("the Sec-WebSocket-Key is not 16 bytes in base64")
	}
	return nil
}

// checkFraming looks at what the rest of HTTP has to say about the request.
func checkFraming(r *http.Request) *Refusal {
	if r.Host == "" {
		return badRequest("the request lacks a Host")
	}
	if r.ContentLength != 0 || len(r.TransferEncoding) > 0 {
		return badRequest("an opening handshake has no body")
	}
	return nil
}

func badRequest(reason string) *Refusal {
	return &Refusal{Status: http.StatusBadRequest, Reason: reason}
}
