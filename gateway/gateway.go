// Package gateway is the ready server: WebSockets for browsers on one side, commands for the application on the other,
// by HTTP, on a local socket and from Go. docs/protocol.md is what clients say, docs/api.md what applications say.
//
//	g := &gateway.Gateway{Keys: []string{key}, Console: true}
//	go g.ListenAndServe("127.0.0.1:8000")
//	answer := g.Do(ctx, &api.Command{User: "42", Message: json.RawMessage(`"hi"`)})
package gateway

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway/api"
	"github.com/molva-ws/molva/gateway/console"
	"github.com/molva-ws/molva/gateway/internal/idempotency"
	"github.com/molva-ws/molva/internal/quietlog"
)

// Gateway is the ready server. The zero value serves, and lets everybody be whom they like. The fields must not change
// once it does; SetPolicy changes what may.
type Gateway struct {
	// Identify admits or refuses a client and names its user in Upgrade.User, whose name "" is none. It comes after the
	// check of the origin. A [*molva.Refusal] tells the client why; any other error is 403 and only logged. Clients that
	// offer the subprotocol molva.v1 are told by a close code in place of the status, as browsers show a page nothing else:
	// with 401, 403 and their like they stay away, with 429 and from 500 on they come back. Nil: the query's word is taken
	// for it, as in /ws?user=42. What it leaves in Upgrade.Value is Client.Value later, and may be [Expiring].
	Identify func(*molva.Upgrade) error
	// Renew takes a new token in place of one that will expire, and returns when the new one will; the zero time is
	// never. The connection is closed with 4401 then, unless it was renewed before. An error tells the client
	// "forbidden", or what a [*ClientError] says. Nil: clients are told "unsupported".
	Renew func(c *Client, token string) (expires time.Time, err error)
	// Rules say what clients may do.
	Rules Rules
	// Observer is told what happens.
	Observer Observer
	// Keys are the bearer keys that open the HTTP API. Without one nobody may use it.
	Keys []string
	// Console serves the page at /, and the room $stats to whom Rules.Join lets in.
	Console bool
	// Hints are shown on the page at /.
	Hints console.Hints
	// Hosts are the names, without a port, that requests may have in Host; others get 421. "localhost" stands for all
	// names and addresses of this machine's own. A server that only this machine should reach, and that lets everybody
	// be whom they like, needs it: pages from elsewhere can have their name point here. Nil: any.
	Hosts []string
	// Handler answers requests that are for none of the gateway's routes. On the gateway's own port it gets no
	// opening handshakes: those for another path than /ws are refused with 404.
	Handler http.Handler
	// WebSocket has the settings of the connections: origins, admission, proxies, limits, timeouts and such. OnUpgrade,
	// the other callbacks, Handler and Subprotocols are the gateway's, whatever they were. Where Limits has no number,
	// the gateway's default for Message is 64 KiB, for Messages 50 with a MessageBurst of 100, for Bytes 256 KiB with a
	// ByteBurst of 512 KiB. Any policy in Slow but SlowClose makes slow clients miss messages, answers and presence.
	WebSocket molva.Server
	// Collectors are shown at /metrics beside what the gateway counts.
	Collectors []prometheus.Collector
	// Limits has what is counted by the gateway itself.
	Limits Limits
	// Reload reads the configuration again for the command reload. The error tells whoever said it what is wrong there.
	// Nil: there is none.
	Reload func(context.Context) (*api.Reloaded, error)
	// Logger gets connections at debug level, refusals and misuse at info and warn; default: slog.Default().
	Logger *slog.Logger

	setup   sync.Once
	started time.Time
	policy  atomic.Pointer[policy]
	log     *slog.Logger
	misuse  quietlog.Log
	routes  *http.ServeMux

	prefix   string // of ids, so that those of two runs differ
	messages atomic.Uint64
	commands atomic.Uint64
	conns    roster
	turned   turned
	rooms    rooms
	keys     idempotency.Keys
	feed     feed
	heard    heard

	ending   sync.Once
	stopping chan struct{}  // closed when Shutdown begins
	doors    sync.WaitGroup // the local sockets that are served; Shutdown waits for them
}

// ListenAndServe serves on a TCP address, such as "127.0.0.1:8000", straight on the event loop. It returns
// [molva.ErrServerClosed] after Shutdown, or what went wrong.
func (g *Gateway) ListenAndServe(addr string) error {
	g.init()
	return g.WebSocket.ListenAndServe(addr)
}

// Serve accepts connections from l, which it closes in the end. See ListenAndServe.
func (g *Gateway) Serve(l net.Listener) error {
	g.init()
	return g.WebSocket.Serve(l)
}

// ServeHTTP is for a mux of the application. The gateway's routes are /ws, /api/, /metrics, /healthz, /readyz,
// /molva.js and, with Console, / and /console/.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.init()
	if refusal := g.checkHost(r); refusal != nil {
		refusal.ServeHTTP(w, r)
		return
	}
	if _, route := g.routes.Handler(r); route == "" && g.Handler != nil {
		g.Handler.ServeHTTP(w, r)
		return
	}
	g.routes.ServeHTTP(w, r)
}

// Shutdown refuses new connections and commands, answers those that were read, sends what waits in the outboxes, says
// 1001 to everyone and waits for the end. From its beginning on /readyz says 503. It returns the context's error if
// that was done first; what is left is cut then.
func (g *Gateway) Shutdown(ctx context.Context) error {
	g.init()
	g.ending.Do(func() { close(g.stopping) })
	doors := make(chan struct{})
	go func() {
		g.doors.Wait()
		close(doors)
	}()
	select {
	case <-doors:
	case <-ctx.Done():
	}
	return g.WebSocket.Shutdown(ctx)
}

// isStopping reports whether Shutdown has begun.
func (g *Gateway) isStopping() bool {
	select {
	case <-g.stopping:
		return true
	default:
		return false
	}
}

func (g *Gateway) init() {
	g.setup.Do(func() {
		g.started = time.Now()
		g.prefix = newPrefix()
		g.stopping = make(chan struct{})
		g.log = g.Logger
		if g.log == nil {
			g.log = slog.Default()
		}
		g.misuse.Logger = g.log
		g.setUpWebSocket()
		g.policy.Store(g.firstPolicy())
		g.setUpRoutes()
	})
}

// setUpWebSocket makes the callbacks of WebSocket the gateway's.
func (g *Gateway) setUpWebSocket() {
	s := &g.WebSocket
	s.OnUpgrade = g.admit
	s.OnOpen = g.opened
	s.OnMessage = g.received
	s.OnClose = g.closed
	s.Handler = g
	s.Subprotocols = []string{subprotocol}
	s.Limits = withClientDefaults(s.Limits)
	if s.Logger == nil {
		s.Logger = g.log
	}
}

func (g *Gateway) setUpRoutes() {
	g.routes = http.NewServeMux()
	g.routes.Handle("/ws", &g.WebSocket)
	g.routes.Handle("/api/", g.apiHandler())
	g.routes.Handle("/metrics", g.metricsHandler())
	g.routes.HandleFunc("/healthz", g.healthz)
	g.routes.HandleFunc("/readyz", g.readyz)
	g.routes.HandleFunc("/molva.js", g.script)
	if g.Console {
		page := console.Handler(func() console.Hints { return g.policy.Load().Hints })
		g.routes.Handle("/{$}", page)
		g.routes.Handle("/console/", page)
	}
}
