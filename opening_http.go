package molva

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// leaveToHTTP hands the connection to the server that answers plain requests.
// early is what was read from it.
func (s *Server) leaveToHTTP(o *opening, early []byte) {
	plain := s.plainRequests(o.conn.LocalAddr())
	if plain == nil {
		o.conn.Abort(ErrServerClosed)
		return
	}
	remote := o.remoteAddr()
	nc, err := o.conn.Detach()
	if err != nil {
		o.conn.Abort(err)
		return
	}
	s.detachedOpening(o)
	c := &earlyConn{Conn: nc, early: early, remote: remote}
	c.opening.Store(o)
	if !plain.offer(c) {
		nc.Close()
		s.heardByHTTP(c)
	}
}

// heardByHTTP notes that net/http has read the first request, or that none comes. The connection is an opening until then:
// a server that is told to stop answers no request that it has not read.
func (s *Server) heardByHTTP(c *earlyConn) {
	o := c.opening.Swap(nil)
	if o == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.openings.remove(o)
}

// connState is [http.Server.ConnState].
func (s *Server) connState(nc net.Conn, state http.ConnState) {
	if c, ok := nc.(*earlyConn); ok && state == http.StateClosed {
		s.heardByHTTP(c)
	}
}

// earlyKey is the key of the connection in a request's context.
type earlyKey struct{}

// connContext is [http.Server.ConnContext].
func connContext(ctx context.Context, nc net.Conn) context.Context {
	if c, ok := nc.(*earlyConn); ok {
		ctx = context.WithValue(ctx, earlyKey{}, c)
	}
	return withTLS(ctx, nc)
}

// detachedOpening notes that the connection is no longer the loop's, which cannot abort it.
func (s *Server) detachedOpening(o *opening) {
	s.leftDoor(o)
	s.mu.Lock()
	defer s.mu.Unlock()
	o.conn = nil
}

// earlyConn is a connection of which some bytes were read already.
type earlyConn struct {
	net.Conn
	early   []byte
	remote  net.Addr
	opening atomic.Pointer[opening] // until net/http has heard of it
}

// RemoteAddr returns where the client is, which is not the other end of the socket if that is a proxy.
func (c *earlyConn) RemoteAddr() net.Addr { return c.remote }

// unwrap returns the connection that c is made of, if everything was read that came early.
func unwrap(nc net.Conn) net.Conn {
	if c, ok := nc.(*earlyConn); ok && len(c.early) == 0 {
		return c.Conn
	}
	return nc
}

// Read returns the early bytes first.
func (c *earlyConn) Read(p []byte) (int, error) {
	if len(c.early) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.early)
	c.early = c.early[n:]
	return n, nil
}

// handoff is a listener whose connections come from those of the server.
type handoff struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
	addr   net.Addr
}

func newHandoff(addr net.Addr) *handoff {
	return &handoff{conns: make(chan net.Conn), closed: make(chan struct{}), addr: addr}
}

// offer hands nc over, or reports that nobody takes it any more.
func (h *handoff) offer(nc net.Conn) bool {
	select {
	case h.conns <- nc:
		return true
	case <-h.closed:
		return false
	}
}

// Accept returns the next connection.
func (h *handoff) Accept() (net.Conn, error) {
	select {
	case nc := <-h.conns:
		return nc, nil
	case <-h.closed:
		return nil, net.ErrClosed
	}
}

// Close makes Accept return.
func (h *handoff) Close() error {
	h.once.Do(func() { close(h.closed) })
	return nil
}

// Addr returns the address of the server's own listener.
func (h *handoff) Addr() net.Addr { return h.addr }
