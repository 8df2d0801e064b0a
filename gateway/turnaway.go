package gateway

import (
	"errors"
	"net/http"
	"sync/atomic"

	"github.com/molva-ws/molva"
)

// maxTurningAway is how many connections may be open just to say why their clients may not come in. Each may take as
// long as a closing handshake does, and a place that somebody else could have: those beyond are told by a status.
const maxTurningAway = 256

// turnedAway is the value of a connection whose client may not come in. It was opened only to say so: of a response that
// is no upgrade a browser shows its page nothing, and a client that does not know why would come back for ever.
type turnedAway struct {
	code   molva.CloseCode
	reason string
}

// turnAway makes a refusal a connection that is closed at once, and reports whether it has. It does for clients that
// ask for molva's protocol, in which the code has a meaning; others are told by the status of the response.
func (g *Gateway) turnAway(u *molva.Upgrade, err error) bool {
	var refusal *molva.Refusal
	if u.Subprotocol != subprotocol || !errors.As(err, &refusal) || g.turned.open.Load() >= maxTurningAway {
		return false
	}
	u.User, u.Value = "", &turnedAway{closeCodeOf(refusal.Status), refusal.Reason}
	return true
}

// closeCodeOf returns the close code that says what a status says.
func closeCodeOf(status int) molva.CloseCode {
	switch {
	case status == http.StatusUnauthorized:
		return closeUnauthorized
	case status == http.StatusForbidden:
		return closeDisconnected
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		return molva.CloseTryAgainLater
	case status >= http.StatusInternalServerError:
		return molva.CloseInternalError
	}
	return closeBadJSON
}

// turned counts clients that were turned away by a close code.
type turned struct {
	open  atomic.Int64 // have not ended yet
	total atomic.Uint64
}

// counted is what the server has counted, with those turned away among the refused.
func (g *Gateway) counted() molva.Stats {
	s := g.WebSocket.Stats()
	s.Refused.Upgrade += g.turned.total.Load()
	return s
}

// goodbye closes the connection of a client that was turned away, and reports whether it is one. What it says then does
// not arrive, since the connection is closing.
func (g *Gateway) goodbye(conn *molva.Conn) bool {
	no, ok := conn.Value().(*turnedAway)
	if ok {
		g.turned.total.Add(1)
		g.turned.open.Add(1)
		conn.Close(no.code, no.reason)
	}
	return ok
}
