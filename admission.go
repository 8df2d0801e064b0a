package molva

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/molva-ws/molva/internal/admission"
	"github.com/molva-ws/molva/internal/ratelimit"
)

// Admission bounds how many clients a [Server] takes and how fast they may come. A zero field is no limit. The address
// of a client is the one that Conn.ClientAddr returns; clients whose address is not known, behind a Unix socket for
// example, count in the total only.
//
// On the server's own port as many connections again as Conns, and as many from one address as ConnsPerAddr, at least
// 64 in each case, may be waiting for their first request to be complete. Those that ask for something else than a
// WebSocket are not counted any more once Server.Handler has them.
type Admission struct {
	// Conns is how many WebSockets may be open; who comes then gets 503.
	Conns int
	// ConnsPerAddr is how many of them may come from one address; who comes then gets 429.
	ConnsPerAddr int
	// Handshakes is how many opening handshakes may come in a second from one address; who comes too soon gets 429 with
	// Retry-After. It may be a fraction: 0.1 is one in ten seconds. Those that are refused for another reason count,
	// too, requests that are no correct handshake excepted.
	Handshakes float64
	// HandshakeBurst is how many of them may come at once; 0 means what may come in a second, and at least one.
	HandshakeBurst int
	// DryRun lets everybody in whom one of these limits would keep out, and only counts them, see Stats.Spared, and
	// tells the log. Nothing holds then, not even the number of those who wait for their first request.
	DryRun bool
	// IPv6Prefix is how many leading bits of an IPv6 address tell one client from another; 0 means 64.
	IPv6Prefix int
}

func (a Admission) limits() admission.Limits {
	return admission.Limits{
		Conns:        a.Conns,
		ConnsPerAddr: a.ConnsPerAddr,
		Handshakes:   ratelimit.PerSecond(a.Handshakes, int64(a.HandshakeBurst)),
		IPv6Prefix:   a.IPv6Prefix,
		DryRun:       a.DryRun,
	}
}

// turnedAway returns the answer to a client for whom there is no room, and why.
func turnedAway(err error) (*Refusal, refusedFor) {
	var tooFast *admission.RateError
	switch {
	case errors.As(err, &tooFast):
		seconds := strconv.Itoa(int(math.Ceil(min(tooFast.RetryAfter, 24*time.Hour).Seconds())))
		return &Refusal{
			Status: http.StatusTooManyRequests,
			Reason: "too many handshakes from this address; try again in " + seconds + " s",
			Header: http.Header{"Retry-After": {seconds}},
		}, refusedRate
	case errors.Is(err, admission.ErrAddr):
		return &Refusal{
			Status: http.StatusTooManyRequests,
			Reason: "too many connections from this address; close one of them first",
		}, refusedAddr
	}
	return &Refusal{
		Status: http.StatusServiceUnavailable,
		Reason: "the server has as many connections as it takes; try again later",
	}, refusedTotal
}
