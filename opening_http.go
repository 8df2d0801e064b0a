package molva

import (
	"net"
	"net/http"
	"sync"
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
	if !plain.offer(&earlyConn{Conn: nc, early: early, remote: remote, opening: o}) {
		nc.Close()
		s.closedOpening(o)
	}
}

// takenByHTTP is [http.Server.ConnState]. A connection is an opening until then, as Shutdown would end a server that does
// not know of it yet.
func (s *Server) takenByHTTP(nc net.Conn, state http.ConnState) {
	if c, ok := nc.(*earlyConn); ok && state == http.StateNew {
		s.closedOpening(c.opening)
		c.opening = nil
	}
}

// detachedOpening notes that the connection is no longer the loop's, which cannot abort it.
func (s *Server) detachedOpening(o *opening) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o.conn = nil
}

// earlyConn is a connection of which some bytes were read already.
type earlyConn struct {
	net.Conn
	early   []byte
	remote  net.Addr
	opening *opening // until net/http has it
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
