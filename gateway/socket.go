package gateway

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway/api"
	"github.com/molva-ws/molva/gateway/internal/command"
)

const (
	// socketConns is how many connections the local sockets of a gateway take, all together.
	socketConns = 1024
	// socketRefusals is how many may be told at the same time that there are too many.
	socketRefusals = 64
	// authTime is how long a client may take to show its key.
	authTime = 10 * time.Second
	// farewellTime is how long a client may take to read the last answers when the server stops.
	farewellTime = 5 * time.Second
	// lingerTime is how long to wait until a client has read why it is refused.
	lingerTime = time.Second
)

// ServeSocket serves commands as lines on l, as docs/api.md has it, until Shutdown, and closes it. It returns
// [molva.ErrServerClosed], or what went wrong with the listener. Whoever can connect to a Unix socket may say
// everything; see package localsocket. On any other listener each connection must begin with one of Gateway.Keys.
//
// At most 1,024 connections are open at a time, of all local sockets together; further ones are told "busy".
func (g *Gateway) ServeSocket(l net.Listener) error {
	g.init()
	g.doors.Add(1)
	defer g.doors.Done()
	s := &socketServer{gateway: g, refusals: make(chan struct{}, socketRefusals)}
	if l.Addr().Network() != "unix" {
		s.locked = true
	}
	stopping, stop := context.WithCancel(context.Background())
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		select {
		case <-g.stopping:
			stop()
		case <-stopping.Done():
		}
		l.Close()
	}()
	err := s.accept(stopping, l)
	stop()
	s.conns.Wait()
	<-closed
	return err
}

// socketServer serves one listener.
type socketServer struct {
	gateway  *Gateway
	locked   bool // asks for a key
	conns    sync.WaitGroup
	refusals chan struct{}
}

func (s *socketServer) accept(stopping context.Context, l net.Listener) error {
	var delay time.Duration
	for {
		nc, err := l.Accept()
		switch {
		case err == nil:
			delay = 0
			s.welcome(stopping, nc)
		case stopping.Err() != nil:
			return molva.ErrServerClosed
		case errors.Is(err, net.ErrClosed):
			return err
		default:
			// Trying again at once would only take time from those that might give a descriptor back.
			delay = min(max(2*delay, 5*time.Millisecond), time.Second)
			s.gateway.log.Warn("cannot accept connections on the local socket; trying again", "error", err, "after", delay)
			select {
			case <-time.After(delay):
			case <-stopping.Done():
			}
		}
	}
}

// welcome gives a connection a goroutine, or tells it that there are too many.
func (s *socketServer) welcome(stopping context.Context, nc net.Conn) {
	open := &s.gateway.heard.socketConns
	if open.Add(1) <= socketConns {
		s.conns.Go(func() {
			defer open.Add(-1)
			s.serve(stopping, nc)
		})
		return
	}
	open.Add(-1)
	s.gateway.heard.socketRefused.Add(1)
	select {
	case s.refusals <- struct{}{}:
		s.conns.Go(func() {
			s.turnAway(nc, api.Refusedf(api.ErrBusy, "there are %d connections to the local socket already", socketConns))
			<-s.refusals
		})
	default:
		nc.Close()
	}
}

// serve answers a connection's commands until it ends.
func (s *socketServer) serve(stopping context.Context, nc net.Conn) {
	defer nc.Close()
	c := &socketConn{gateway: s.gateway, nc: nc, lines: lineReader{from: nc, limit: command.MaxBytes}}
	halt := context.AfterFunc(stopping, func() {
		nc.SetReadDeadline(time.Now())
		nc.SetWriteDeadline(time.Now().Add(farewellTime))
	})
	defer halt()
	if s.locked {
		if refusal := c.authenticate(s.gateway.keyring()); refusal != nil {
			s.gateway.misuse.Say(slog.LevelWarn, "connection to the local socket without a good key", "remote", nc.RemoteAddr())
			s.turnAway(nc, refusal)
			return
		}
		if stopping.Err() != nil {
			nc.SetReadDeadline(time.Now()) // it was prolonged
		}
	}
	if err := c.serve(); err != nil {
		s.gateway.log.Debug("connection to the local socket broke", "remote", nc.RemoteAddr(), "error", err)
	}
}

// turnAway says why a connection is closed, and closes it when that was read. To close it at once would destroy the
// answer if there is anything that was not read.
func (s *socketServer) turnAway(nc net.Conn, a *api.Answer) {
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(lingerTime))
	b := newAnswerLines()
	b.add(s.gateway, a)
	nc.Write(b.Bytes())
	if half, ok := nc.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		io.CopyN(io.Discard, nc, command.MaxBytes)
	}
}
