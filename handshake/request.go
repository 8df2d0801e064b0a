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
	return isUpgrade(r.Header[fieldUpgrade], r.Header[fieldKey])
}

// IsUpgrade is the function of that name for a Head.
func (h *Head) IsUpgrade() bool { return isUpgrade(h.lines(upgradeField), h.lines(keyField)) }

func isUpgrade(upgrade, key []string) bool { return hasToken(upgrade, "websocket") || len(key) > 0 }

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
	h := HeadOf(r)
	return h.Check()
}

// Check is [CheckRequest] for a Head. The offer is valid until h changes.
func (h *Head) Check() (Offer, error) {
	for _, check := range [...]func(*Head) *Refusal{
		checkProtocol, checkUpgrade, checkVersion, checkKey, checkFraming,
	} {
		if refusal := check(h); refusal != nil {
			return Offer{}, refusal
		}
	}
	subprotocols, err := ParseSubprotocols(h.lines(subprotocolField))
	if err != nil {
		return Offer{}, badRequest(err.Error())
	}
	extensions, err := h.offered.parse(h.lines(extensionsField))
	if err != nil {
		return Offer{}, badRequest(err.Error())
	}
	return Offer{h.lines(keyField)[0], subprotocols, extensions}, nil
}

func checkProtocol(h *Head) *Refusal {
	if h.major != 1 || h.minor < 1 {
		return &Refusal{
			Status: http.StatusHTTPVersionNotSupported,
			Reason: fmt.Sprintf("a WebSocket opens over HTTP/1.1 and this request came over HTTP/%d.%d; "+
				"a proxy in front has to speak HTTP/1.1 to this server", h.major, h.minor),
		}
	}
	if h.method != http.MethodGet {
		return &Refusal{
			Status: http.StatusMethodNotAllowed,
			Reason: "a WebSocket opens with the method GET, not " + quote(h.method),
			Header: http.Header{"Allow": {http.MethodGet}},
		}
	}
	return nil
}

func checkUpgrade(h *Head) *Refusal {
	if !hasToken(h.lines(upgradeField), "websocket") {
		reason := "this is a WebSocket endpoint and the request lacks Upgrade: websocket; connect with a WebSocket client"
		if h.IsUpgrade() {
			reason = "the request has a Sec-WebSocket-Key but lacks Upgrade: websocket; " +
				"a proxy on the way has to pass the headers Upgrade and Connection on"
		}
		return &Refusal{
			Status: http.StatusUpgradeRequired,
			Reason: reason,
			Header: http.Header{fieldUpgrade: {"websocket"}},
		}
	}
	if !hasToken(h.lines(connectionField), "upgrade") {
		return badRequest("the request lacks Connection: Upgrade; a proxy on the way has to pass it on")
	}
	return nil
}

func checkVersion(h *Head) *Refusal {
	versions := h.lines(versionField)
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

func checkKey(h *Head) *Refusal {
	switch keys := h.lines(keyField); {
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
func checkFraming(h *Head) *Refusal {
	if h.host == "" {
		return badRequest("the request lacks a Host")
	}
	if h.body {
		return badRequest("an opening handshake has no body")
	}
	return nil
}

func badRequest(reason string) *Refusal {
	return &Refusal{Status: http.StatusBadRequest, Reason: reason}
}
