package molva

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"

	"github.com/molva-ws/molva/internal/loop"
)

// Shutdown stops in good order: it refuses new connections, lets running requests of Handler end, sends what waits in
// the outboxes and then a close frame with 1001, and waits until each client has answered or Timeouts.Close has
// passed, and the last callback has returned. ShutdownPace spreads the close frames over time; a connection goes on
// as ever until its own. When the context is done first, it cuts what is left and returns the context's error.
func (s *Server) Shutdown(ctx context.Context) error {
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

// stop refuses what is new and returns the HTTP server that has to be ended.
func (s *Server) stop() *http.Server {
	s.init()
	listeners, openings, plain := s.setStopping()
	for _, l := range listeners {
		l.Close()
	}
	for _, conn := range openings {
		conn.Abort(ErrServerClosed)
	}
	if plain == nil {
		plain = new(http.Server)
	}
	return plain
}

func (s *Server) setStopping() ([]io.Closer, []loop.Conn, *http.Server) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped != nil && !s.stopping {
		close(s.stopped)
	}
	s.stopping = true
	return slices.Collect(maps.Keys(s.listeners)), s.openings.conns(), s.http
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
