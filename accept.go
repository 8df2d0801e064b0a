package molva

import (
	"log/slog"
	"net/http"

	"github.com/molva-ws/molva/internal/loop"
)

// AcceptOptions configures [Accept]. The zero value is what nil means: same-origin only, no subprotocols, no
// compression, default limits.
type AcceptOptions struct {
	// Origins widens whose pages may connect; see Server.Origins.
	Origins []string
	// Subprotocols that are spoken, the preferred one first.
	Subprotocols []string
	// OnUpgrade admits or refuses, and names the user; see Server.OnUpgrade.
	OnUpgrade func(*Upgrade) error
	// Server, if set, is the one to whose rooms and users the connection belongs. Its callbacks are not called;
	// its Admission counts, and its word on proxies.
	Server *Server

	Limits      Limits
	Timeouts    Timeouts
	Compression Compression
	// Slow is what becomes of messages that the client is too slow for.
	Slow SlowPolicy
	// Logger gets what nobody else is told; default: slog.Default().
	Logger *slog.Logger
}

// Accept answers an opening handshake and returns a connection whose messages are read with Conn.Read, Conn.Messages
// or Conn.Reader. opts may be nil. If it returns an error the response has been written: a [*Refusal] tells which.
//
// The handler may return and leave the connection to another goroutine, which frees what net/http holds for the
// request, some 10 KB. Somebody has to read for pings to be answered, and to Close the connection at last.
func Accept(w http.ResponseWriter, r *http.Request, opts *AcceptOptions) (*Conn, error) {
	if opts == nil {
		opts = &AcceptOptions{}
	}
	u := upgrader{subprotocols: opts.Subprotocols, onUpgrade: opts.OnUpgrade}
	set := newSettings(opts.Limits, opts.Timeouts, opts.Compression, opts.Slow, opts.Logger)
	u.current.Store(set)
	u.origins.Store(&opts.Origins)
	if opts.Server != nil {
		opts.Server.init()
		u.door = opts.Server.door
		set.belongsTo(opts.Server)
	}
	nc, early, a, err := u.upgrade(w, r)
	if err != nil {
		return nil, err
	}
	c := a.conn(loop.NewStream(nc, &set.outbox, early), set)
	c.startPull()
	if opts.Server != nil {
		if err := opts.Server.enter(c); err != nil {
			c.Close(CloseGoingAway, "server is shutting down")
			return nil, err
		}
	}
	return c, nil
}

// startPull makes c a connection that is read with Read.
func (c *Conn) startPull() {
	c.pull = &pull{stream: c.transport.(*loop.Stream), turn: make(chan struct{}, 1)}
	c.takeDecoder() // for good: who reads may stop at any byte
	c.transport.SetHandler((*events)(c))
	c.startKeepalive()
}
