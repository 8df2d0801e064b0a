package molva

import (
	"errors"
	"net"

	"github.com/molva-ws/molva/internal/buffer"
	"github.com/molva-ws/molva/internal/loop"
)

// Engine says how a [Server] drives its connections.
type Engine uint8

const (
	// EngineAuto is the event loop where there is one, which is Linux, and the socket is a plain TCP or Unix socket;
	// otherwise a goroutine per connection.
	EngineAuto Engine = iota
	// EnginePortable is a goroutine per connection, everywhere.
	EnginePortable
)

// engine is what drives a server's connections. A nil group means goroutines.
type engine struct {
	group  *loop.Group
	outbox *loop.Config
}

func newEngine(s *Server, set *settings) engine {
	e := engine{outbox: &set.outbox}
	if s.Engine == EnginePortable {
		return e
	}
	group, err := loop.NewGroup(loop.GroupConfig{Config: set.outbox, Loops: s.Workers, Log: set.log})
	if err == nil {
		e.group = group
	} else if !errors.Is(err, errors.ErrUnsupported) {
		set.log.Warn("no event loops; each connection gets a goroutine", "error", err)
	}
	return e
}

// adopt drives a connection that somebody else has accepted, or closes it and returns false. early is what was read
// from it already.
func (e engine) adopt(nc net.Conn, early *buffer.Buffer, open func(loop.Conn) loop.Handler) bool {
	if e.group != nil {
		err := e.group.Adopt(nc, early.Bytes(), open)
		if err == nil {
			return true
		}
		if !errors.Is(err, errors.ErrUnsupported) {
			nc.Close()
			return false
		}
	}
	stream := loop.NewStream(nc, e.outbox, early)
	go func() { stream.Serve(open(stream)) }()
	return true
}
