package molva

import (
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"

	"github.com/molva-ws/molva/handshake"
	"github.com/molva-ws/molva/internal/loop"
)

// Server serves WebSockets by callbacks. It is an [http.Handler], for a mux beside other routes, and has a port of its
// own with ListenAndServe or Serve. The zero value admits pages of the same origin and drops their messages. The
// fields must not change once it serves; SetPolicy changes what may.
//
// The callbacks of one connection never overlap and come in order; those of different connections run at the same
// time. Each may block, which keeps only its own connection waiting. A callback that panics closes its connection with
// 1011 and is logged with its stack.
type Server struct {
	// OnUpgrade admits or refuses a client, names its user, picks the subprotocol. It comes after the check of the
	// origin. A [*Refusal] tells the client why, any other error only the log.
	OnUpgrade func(*Upgrade) error
	// OnOpen is called first.
	OnOpen func(*Conn)
	// OnMessage is called for each message. It is valid until the callback returns; see Message.Clone.
	OnMessage func(*Conn, Message)
	// OnClose is called last, once for every OnOpen. err is a [*CloseError]. The connection has left its rooms by then
	// and nothing reaches it; Conn.Publish still reaches the others.
	OnClose func(c *Conn, err error)

	// Handler answers requests on the server's own port that want no WebSocket. Nil answers 426.
	Handler http.Handler

	// Origins widens whose pages may connect, beyond those of the server's own host: "https://app.example.com",
	// "*.example.com", "localhost:*", or "*" for any; see [handshake.CheckOrigin].
	Origins []string
	// Subprotocols that are spoken, the preferred one first.
	Subprotocols []string

	// Admission bounds how many clients there may be, and how fast they may come.
	Admission Admission
	// TrustedProxies are those whose word is taken on where a client is: addresses, prefixes such as "10.0.0.0/8", and
	// "unix" for whoever connects to a Unix socket. It is taken from Forwarded (RFC 7239), X-Forwarded-For, where the
	// last address counts that is no trusted proxy's, or X-Real-IP. If they contradict each other the handshake is
	// refused with 400, as one may come from the client itself. From others these fields mean nothing.
	TrustedProxies []string
	// ProxyHeader names the only field by which the trusted proxies name the client. It is safer than to take
	// whichever is there, and may be one of another name that holds a single address. The proxies must see to it that
	// a client cannot send it.
	ProxyHeader string
	// ProxyProtocol makes connections of trusted proxies to the server's own port begin with a PROXY protocol header,
	// of version 1 or 2; one without it is refused. It stands before TLS, and so does not go with a listener of
	// [crypto/tls]. Request.RemoteAddr is then the client's.
	ProxyProtocol bool

	Limits      Limits
	Timeouts    Timeouts
	Compression Compression
	// Slow is what becomes of messages that a client is too slow for.
	Slow SlowPolicy
	// Engine says how connections are driven; the zero value chooses well.
	Engine Engine
	// Workers is the number of event loops; default: GOMAXPROCS.
	Workers int
	// ReusePort lets several processes listen on the same address with ListenAndServe (SO_REUSEPORT, Linux only).
	ReusePort bool
	// ShutdownPace is how many connections Shutdown closes in a second, so that thousands of clients do not all come
	// back at the same moment. The context of Shutdown must leave it the time: 10,000 connections at 500 take 20 s.
	// Default: all at once.
	ShutdownPace int
	// Logger gets what nobody else is told; default: slog.Default().
	Logger *slog.Logger

	setup    sync.Once
	changing sync.Mutex // held while the policy changes
	policy   Policy     // the one that holds
	upgrader upgrader
	door     *door
	counts   *counts
	start    sync.Once
	engine   engine // see driver
	hub      hub

	mu        sync.Mutex
	stopping  bool
	deaf      bool // the listeners are closed, which comes before stopping
	listeners map[io.Closer]struct{}
	unheard   chan struct{} // closed with deaf set
	openings  openings
	http      *http.Server  // answers the plain requests
	plain     *handoff      // gives it their connections
	open      int           // connections that have not seen their last callback
	idle      chan struct{} // closed when none is left; made by who waits for it
}

func (s *Server) init() {
	s.setup.Do(func() {
		s.counts = new(counts)
		s.policy = s.firstPolicy()
		set := newSettings(s.Limits, s.Timeouts, s.Compression, s.Slow, s.Logger)
		set.belongsTo(s)
		s.upgrader = upgrader{subprotocols: s.Subprotocols, onUpgrade: s.OnUpgrade}
		s.upgrader.current.Store(set)
		s.upgrader.origins.Store(&s.Origins)
		s.door = s.newDoor()
		s.upgrader.door = s.door
		if err := handshake.ValidateOrigins(s.Origins); err != nil {
			set.log.Error("a pattern in Server.Origins matches nothing", "error", err)
		}
	})
}

// ServeHTTP answers an opening handshake. It returns at once; the connection goes on without the request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.init()
	if s.isStopping() {
		refusal := &Refusal{Status: http.StatusServiceUnavailable, Reason: "the server is shutting down; try again later"}
		refusal.ServeHTTP(w, r)
		s.counts.refuse(refusedShutdown)
		return
	}
	nc, early, a, err := s.upgrader.upgrade(w, r)
	if err != nil {
		return
	}
	if !s.driver().adopt(nc, early, func(t loop.Conn) loop.Handler { return s.welcome(a, t) }) {
		a.fail()
	}
}

// driver returns the engine, which is started when it is needed first.
func (s *Server) driver() engine {
	s.start.Do(func() {
		s.engine = newEngine(s, s.upgrader.set())
		s.counts.group.Store(s.engine.group)
	})
	return s.engine
}

// welcome makes a connection of a handshake that was answered, and opens it.
func (s *Server) welcome(a *accepted, t loop.Conn) loop.Handler {
	c := a.conn(t, s.upgrader.set())
	c.startKeepalive()
	if s.enter(c) != nil {
		c.finish(&CloseError{Code: CloseGoingAway, Reason: "server is shutting down"})
	} else {
		s.opened(c)
	}
	return (*events)(c)
}

// enter makes c one of the server's connections.
func (s *Server) enter(c *Conn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		s.counts.refuse(refusedShutdown)
		s.door.leave(c.ClientAddr(), c.pass)
		return ErrServerClosed
	}
	s.open++
	s.counts.handshakes.Add(1)
	c.entered = true
	s.hub.enter(c)
	return nil
}

// closed is called when a connection has ended.
func (s *Server) closed(c *Conn, err *CloseError) {
	s.hub.leave(c)
	s.counts.ended(err)
	s.door.leave(c.ClientAddr(), c.pass)
	if c.pull == nil && s.OnClose != nil {
		s.callOnClose(c, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open--; s.open == 0 && s.idle != nil {
		close(s.idle)
		s.idle = nil
	}
}

func (s *Server) opened(c *Conn) {
	if s.OnOpen == nil {
		return
	}
	defer s.recovered(c)
	s.OnOpen(c)
}

func (s *Server) message(c *Conn, m Message) {
	if s.OnMessage != nil {
		s.OnMessage(c, m)
	}
}

func (s *Server) callOnClose(c *Conn, err *CloseError) {
	defer s.recovered(c)
	s.OnClose(c, err)
}

// recovered is deferred around callbacks.
func (s *Server) recovered(c *Conn) {
	if v := recover(); v != nil {
		s.upgrader.set().log.Error("callback panicked", "client", c.ClientAddr(), "user", c.User(), "panic", v,
			"stack", string(debug.Stack()))
		c.finish(&CloseError{Code: CloseInternalError, Reason: "internal error"})
	}
}
