package molva

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/molva-ws/molva/internal/loop"
)

// openingGrace is how long Shutdown lets those say what they want who were let in just before it. Where a service manager
// keeps the listening socket open for the next process, everybody else waits for that.
const openingGrace = 500 * time.Millisecond

// Shutdown stops in good order: it takes no new connections, answers for half a second those that have come already and
// not said what they want, lets running requests of Handler end, sends what waits in the outboxes and then a close
// frame with 1001, and waits until each client has answered or Timeouts.Close has passed, and the last callback has
// returned. ShutdownPace spreads the close frames over time; a connection goes on as ever until its own. When the
// context is done first, it cuts what is left and returns the context's error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.closeListeners()
	s.awaitOpenings(ctx)
	plain := s.stop()
	requests := make(chan error, 1)
	go func() { requests <- plain.Shutdown(ctx) }()
	s.farewell(ctx)
	err := <-requests
	select {
	case <-s.allClosed():
	case <-ctx.Done():
		err = ctx.Err()
		s.cut()
	}
	plain.Close()
	if group := s.lastGroup(); group != nil {
		err = errors.Join(err, group.Shutdown(ctx))
	}
	return err
}

// farewell begins the closing handshake on all connections, as long as the context lasts.
func (s *Server) farewell(ctx context.Context) {
	turns := pace{perSecond: s.ShutdownPace}
	for _, c := range s.Conns() {
		if c.closing.Load() != nil {
			continue // it costs no turn
		}
		if turns.wait(ctx) != nil {
			return
		}
		c.closeSoon(CloseGoingAway, "server is shutting down")
	}
}

// Close cuts all connections at once. See Shutdown for the polite way.
func (s *Server) Close() error {
	plain := s.stop()
	plain.Close()
	s.cut()
	if group := s.lastGroup(); group != nil {
		group.Close()
	}
	return nil
}

// closeListeners has Serve return.
func (s *Server) closeListeners() {
	s.init()
	s.mu.Lock()
	if s.unheard != nil && !s.deaf {
		close(s.unheard)
	}
	s.deaf = true
	listeners := slices.Collect(maps.Keys(s.listeners))
	s.mu.Unlock()
	for _, l := range listeners {
		l.Close()
	}
}

// awaitOpenings waits for a moment until everybody who was let in has said what they want.
func (s *Server) awaitOpenings(ctx context.Context) {
	s.mu.Lock()
	none := s.openings.none()
	s.mu.Unlock()
	grace := time.NewTimer(openingGrace)
	defer grace.Stop()
	select {
	case <-none:
	case <-grace.C:
	case <-ctx.Done():
	}
}

// stop refuses what is new and returns the HTTP server that has to be ended.
func (s *Server) stop() *http.Server {
	s.closeListeners()
	openings, plain := s.setStopping()
	for _, conn := range openings {
		conn.Abort(ErrServerClosed)
	}
	if plain == nil {
		plain = new(http.Server)
	}
	return plain
}

func (s *Server) setStopping() ([]loop.Conn, *http.Server) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopping = true
	return s.openings.conns(), s.http
}

// lastGroup returns the event loops, if there are any, and sees to it that none are started any more.
func (s *Server) lastGroup() *loop.Group {
	s.start.Do(func() {})
	return s.engine.group
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
