package molva

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/molva-ws/molva/handshake"
	"github.com/molva-ws/molva/internal/loop"
)

// Server serves WebSockets by callbacks. It is an [http.Handler], for a mux beside other routes, and has a port of its
// own with ListenAndServe or Serve. The zero value admits pages of the same origin and drops their messages. The
// fields must not change once it serves.
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
	// OnClose is called last, once for every OnOpen. err is a [*CloseError]. The connection is still in its rooms'
	// memory of it, not in the rooms: it reaches nobody and nobody reaches it.
	OnClose func(c *Conn, err error)

	// Handler answers requests on the server's own port that want no WebSocket. Nil answers 426.
	Handler http.Handler

	// Origins widens whose pages may connect, beyond those of the server's own host: "https://app.example.com",
	// "*.example.com", "localhost:*", or "*" for any; see [handshake.CheckOrigin].
	Origins []string
	// Subprotocols that are spoken, the preferred one first.
	Subprotocols []string

	Limits      Limits
	Timeouts    Timeouts
	Compression Compression
	// Slow is what becomes of messages that a client is too slow for.
	Slow SlowPolicy
	// Logger gets what nobody else is told; default: slog.Default().
	Logger *slog.Logger

	setup    sync.Once
	upgrader upgrader
	hub      hub

	mu        sync.Mutex
	stopping  bool
	listeners map[*http.Server]struct{}
	open      int           // connections that have not seen their last callback
	idle      chan struct{} // closed when none is left; made by who waits for it
}

func (s *Server) init() {
	s.setup.Do(func() {
		s.upgrader = upgrader{
			set:          newSettings(s.Limits, s.Timeouts, s.Compression, s.Slow, s.Logger),
			origins:      s.Origins,
			subprotocols: s.Subprotocols,
			onUpgrade:    s.OnUpgrade,
		}
		if err := handshake.ValidateOrigins(s.Origins); err != nil {
			s.upgrader.set.log.Error("a pattern in Server.Origins matches nothing", "error", err)
		}
	})
}

// ServeHTTP answers an opening handshake. It returns at once; the connection goes on without the request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.init()
	if s.isStopping() {
		refusal := &Refusal{Status: http.StatusServiceUnavailable, Reason: "the server is shutting down; try again later"}
		refusal.ServeHTTP(w, r)
		return
	}
	c, err := s.upgrader.upgrade(w, r)
	if err != nil {
		return
	}
	if s.enter(c) != nil {
		c.finish(&CloseError{Code: CloseGoingAway, Reason: "server is shutting down"})
		return
	}
	go s.drive(c)
}

// drive runs a connection with callbacks on a goroutine of its own.
func (s *Server) drive(c *Conn) {
	s.opened(c)
	c.startKeepalive()
	c.transport.(*loop.Stream).Serve((*events)(c))
}

// enter makes c one of the server's connections.
func (s *Server) enter(c *Conn) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return ErrServerClosed
	}
	s.open++
	c.server = s
	s.hub.enter(c)
	return nil
}

// closed is called when a connection has ended.
func (s *Server) closed(c *Conn, err *CloseError) {
	s.hub.leave(c)
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
	if s.OnMessage == nil {
		return
	}
	defer s.recovered(c)
	s.OnMessage(c, m)
}

func (s *Server) callOnClose(c *Conn, err *CloseError) {
	defer s.recovered(c)
	s.OnClose(c, err)
}

// recovered is deferred around callbacks.
func (s *Server) recovered(c *Conn) {
	if v := recover(); v != nil {
		s.upgrader.set.log.Error("callback panicked", "remote", c.RemoteAddr(), "user", c.User(), "panic", v,
			"stack", string(debug.Stack()))
		c.finish(&CloseError{Code: CloseInternalError, Reason: "internal error"})
	}
}

// ListenAndServe listens on a TCP address, such as ":8000", and calls Serve.
func (s *Server) ListenAndServe(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	return s.Serve(l)
}

// Serve accepts connections from l until Shutdown or Close, and closes it. Handshakes on any path become WebSockets;
// Handler answers all other requests. It returns [ErrServerClosed], or what went wrong with the listener.
func (s *Server) Serve(l net.Listener) error {
	s.init()
	set := s.upgrader.set
	hs := &http.Server{
		Handler:           http.HandlerFunc(s.route),
		ReadHeaderTimeout: set.handshake,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    defaultHeaderBytes,
		ErrorLog:          slog.NewLogLogger(set.log.Handler(), slog.LevelWarn),
	}
	if !s.track(hs) {
		l.Close()
		return ErrServerClosed
	}
	defer s.untrack(hs)
	if err := hs.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return ErrServerClosed
}

func (s *Server) route(w http.ResponseWriter, r *http.Request) {
	if s.Handler != nil && !handshake.IsUpgrade(r) {
		s.Handler.ServeHTTP(w, r)
		return
	}
	s.ServeHTTP(w, r)
}

func (s *Server) track(hs *http.Server) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return false
	}
	if s.listeners == nil {
		s.listeners = make(map[*http.Server]struct{})
	}
	s.listeners[hs] = struct{}{}
	return true
}

func (s *Server) untrack(hs *http.Server) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, hs)
}

func (s *Server) isStopping() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopping
}

// Shutdown stops in good order: it refuses new connections, lets running requests of Handler end, sends what waits in
// the outboxes and then a close frame with 1001, and waits until each client has answered or Timeouts.Close has
// passed, and the last callback has returned. When the context is done first, it cuts what is left and returns the
// context's error.
func (s *Server) Shutdown(ctx context.Context) error {
	var requests sync.WaitGroup
	for _, hs := range s.stop() {
		requests.Go(func() { hs.Shutdown(ctx) })
	}
	for _, c := range s.Conns() {
		c.closeSoon(CloseGoingAway, "server is shutting down")
	}
	requests.Wait()
	select {
	case <-s.allClosed():
		return nil
	case <-ctx.Done():
		s.cut()
		return ctx.Err()
	}
}

// Close cuts all connections at once. See Shutdown for the polite way.
func (s *Server) Close() error {
	for _, hs := range s.stop() {
		hs.Close()
	}
	s.cut()
	return nil
}

// stop refuses what is new and returns the HTTP servers that have to be ended.
func (s *Server) stop() []*http.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopping = true
	var servers []*http.Server
	for hs := range s.listeners {
		servers = append(servers, hs)
	}
	return servers
}

func (s *Server) cut() {
	for _, c := range s.Conns() {
		c.CloseNow()
	}
}

// allClosed returns a channel that is closed when no connection is left.
func (s *Server) allClosed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.idle == nil {
		s.idle = make(chan struct{})
	}
	idle := s.idle
	if s.open == 0 {
		close(idle)
		s.idle = nil
	}
	return idle
}
