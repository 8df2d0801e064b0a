package molva

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/molva-ws/molva/handshake"
	"github.com/molva-ws/molva/internal/loop"
)

// ListenAndServe listens on a TCP address, such as ":8000", and calls Serve. On Linux each event loop has a queue of
// its own for new connections.
func (s *Server) ListenAndServe(addr string) error {
	s.init()
	group := s.driver().group
	if group == nil {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return err
		}
		return s.Serve(l)
	}
	l, err := group.ListenReusePort("tcp", addr, s.ReusePort, s.receive)
	if err != nil {
		return serveError(err)
	}
	return s.serveLoops(l)
}

// serveError translates the error of event loops that are shut down already.
func serveError(err error) error {
	if errors.Is(err, loop.ErrShutdown) {
		return ErrServerClosed
	}
	return err
}

// Serve accepts connections from l until Shutdown or Close, and closes it. Handshakes on any path become WebSockets;
// Handler answers all other requests, by HTTP/2 for clients that begin with its preface, as those do that have agreed
// on "h2" with a listener of [crypto/tls]. It returns [ErrServerClosed], or what went wrong with the listener.
func (s *Server) Serve(l net.Listener) error {
	s.init()
	if group := s.driver().group; group != nil {
		looped, err := group.Listen(l, s.receive)
		if err == nil {
			return s.serveLoops(looped)
		}
		if !errors.Is(err, errors.ErrUnsupported) {
			l.Close()
			return serveError(err)
		}
	}
	return s.serveStreams(l)
}

// serveLoops waits while the event loops accept.
func (s *Server) serveLoops(l *loop.Listener) error {
	defer l.Close()
	unheard := s.track(l)
	if unheard == nil {
		return ErrServerClosed
	}
	<-unheard
	return ErrServerClosed
}

// serveStreams gives each connection a goroutine.
func (s *Server) serveStreams(l net.Listener) error {
	defer l.Close()
	if s.track(l) == nil {
		return ErrServerClosed
	}
	defer s.untrack(l)
	var retry backoff
	for {
		nc, err := l.Accept()
		switch {
		case err == nil:
			retry = backoff{}
			stream := loop.NewStream(nc, &s.upgrader.set().outbox, nil)
			go func() { stream.Serve(s.receive(stream)) }()
		case s.isDeaf():
			return ErrServerClosed
		case errors.Is(err, net.ErrClosed):
			return err
		default:
			retry.wait(s.upgrader.set().log, err)
		}
	}
}

// receive waits for what a new connection wants.
func (s *Server) receive(conn loop.Conn) loop.Handler {
	peer := s.door.peer(conn)
	o := newOpening()
	o.server, o.conn, o.peer, o.client = s, conn.(detachable), peer, peer
	o.proxied = s.door.speaksProxyProtocol(peer)
	pass, refusal := s.door.visit(peer)
	o.pass = pass
	switch {
	case !s.noteOpening(o):
		conn.Abort(ErrServerClosed)
	case refusal != nil && handshaking(conn):
		conn.Abort(refusal)
	case refusal != nil:
		o.refuse(refusal)
	default:
		conn.SetTimer(s.upgrader.set().handshake)
	}
	return o
}

// handshaking reports whether telling a client anything takes a TLS handshake before, which costs more than letting him in
// would.
func handshaking(conn loop.Conn) bool {
	s, ok := conn.(*loop.Stream)
	return ok && s.Handshaking()
}

// noteOpening makes o one of those that Shutdown ends, and reports whether the server is still running.
func (s *Server) noteOpening(o *opening) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.openings.add(o)
	return !s.stopping
}

// leftDoor counts o no longer as one who has not said what they want.
func (s *Server) leftDoor(o *opening) {
	if o.pass.In() {
		s.door.leaveVisitor(o.peer, o.pass)
		o.pass = 0
	}
}

func (s *Server) closedOpening(o *opening) {
	s.leftDoor(o)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.openings.remove(o)
}

// backoff slows accepting down while the system has no descriptor or memory to spare: trying again at once would only
// take time from the connections that might give some back.
type backoff struct {
	delay  time.Duration
	logged time.Time
}

func (b *backoff) wait(log *slog.Logger, err error) {
	b.delay = min(max(2*b.delay, 5*time.Millisecond), time.Second)
	if time.Since(b.logged) >= time.Second {
		b.logged = time.Now()
		log.Warn("cannot accept connections; trying again", "error", err)
	}
	time.Sleep(b.delay)
}

// track notes a listener. It returns a channel that is closed when the server stops, nil if it has.
func (s *Server) track(l io.Closer) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deaf {
		return nil
	}
	if s.listeners == nil {
		s.listeners = make(map[io.Closer]struct{})
		s.unheard = make(chan struct{})
	}
	s.listeners[l] = struct{}{}
	return s.unheard
}

func (s *Server) untrack(l io.Closer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, l)
}

// plainRequests returns where connections with plain requests go, starting the server for them with the first one; nil
// once the server stops.
func (s *Server) plainRequests(addr net.Addr) *handoff {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.plain == nil && !s.stopping {
		set := s.upgrader.set()
		s.plain = newHandoff(addr)
		s.http = &http.Server{
			Handler:           http.HandlerFunc(s.route),
			Protocols:         plainProtocols(),
			ConnContext:       connContext,
			ConnState:         s.connState,
			ReadHeaderTimeout: set.handshake,
			IdleTimeout:       2 * time.Minute,
			MaxHeaderBytes:    defaultHeaderBytes,
			ErrorLog:          slog.NewLogLogger(set.log.Handler(), slog.LevelWarn),
		}
		go s.http.Serve(s.plain)
	}
	return s.plain
}

// route answers the requests of connections that began with a plain one. A later one may still be a handshake.
func (s *Server) route(w http.ResponseWriter, r *http.Request) {
	if c, ok := r.Context().Value(earlyKey{}).(*earlyConn); ok {
		s.heardByHTTP(c)
	}
	noteTLS(r)
	if s.Handler != nil && !handshake.IsUpgrade(r) {
		s.Handler.ServeHTTP(w, r)
		return
	}
	s.ServeHTTP(w, r)
}

func (s *Server) isStopping() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stopping
}

func (s *Server) isDeaf() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deaf
}
