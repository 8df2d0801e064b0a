package molva

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"net/http"
	"sync"

	"github.com/molva-ws/molva/handshake"
	"github.com/molva-ws/molva/internal/buffer"
	"github.com/molva-ws/molva/internal/loop"
)

// opening is a connection on the server's own port of which nobody knows yet what it wants. It gathers the head of the
// first request. A handshake makes it a [Conn]; anything else goes to net/http with the bytes read so far.
type opening struct {
	server *Server
	conn   detachable
	head   *buffer.Buffer
	seen   int // bytes of head that were searched for its end

	peer    client   // at the other end of the socket
	client  client   // the same, or the one for whom a proxy has opened the connection
	remote  net.Addr // the client's, if a PROXY protocol header says so
	proxied bool     // such a header has to come yet
	inside  bool     // counted by the door
}

// detachable is a connection that can be handed to net/http.
type detachable interface {
	loop.Conn
	// Detach gives the socket up. Only a method of the handler may call it, and no other call follows.
	Detach() (net.Conn, error)
}

// Data gathers the head and acts once it is whole.
func (o *opening) Data(p []byte) {
	if o.head == nil {
		o.head = buffer.Get(len(p))
	}
	o.head.Append(p)
	if o.proxied && !o.readProxyHeader() {
		return
	}
	end := o.headEnd()
	switch {
	case end < 0 && o.head.Len() <= defaultHeaderBytes:
	case end < 0 || end > defaultHeaderBytes:
		o.server.counts.refuse(refusedTooLarge)
		o.refuse(&Refusal{
			Status: http.StatusRequestHeaderFieldsTooLarge,
			Reason: "the request's header is longer than this server reads",
		})
	default:
		o.decide(end)
	}
}

// headEnd returns the length of the request's head, -1 while it is not whole.
func (o *opening) headEnd() int {
	const end = "\r\n\r\n"
	b := o.head.Bytes()
	from := max(0, o.seen-len(end)+1)
	o.seen = len(b)
	if i := bytes.Index(b[from:], []byte(end)); i >= 0 {
		return from + i + len(end)
	}
	return -1
}

// decide reads the request and finds out who answers it.
func (o *opening) decide(end int) {
	r, err := o.request(end)
	switch {
	case err != nil:
		o.server.counts.refuse(refusedRequest)
		o.refuse(&Refusal{Status: http.StatusBadRequest, Reason: "this is not an HTTP request"})
	case o.server.Handler != nil && !handshake.IsUpgrade(r):
		o.server.leaveToHTTP(o)
	default:
		o.upgrade(r, o.head.Bytes()[end:])
	}
}

var headReaders = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 512) }}

func (o *opening) request(end int) (*http.Request, error) {
	reader := headReaders.Get().(*bufio.Reader)
	reader.Reset(bytes.NewReader(o.head.Bytes()[:end]))
	defer func() {
		reader.Reset(nil)
		headReaders.Put(reader)
	}()
	r, err := http.ReadRequest(reader)
	if err != nil {
		return nil, err
	}
	if hosts(o.head.Bytes()[:end]) > 1 {
		return nil, errHosts
	}
	r.RemoteAddr = o.remoteAddr().String()
	return r, nil
}

var errHosts = errors.New("more than one Host")

// hosts counts the Host fields of a head. http.ReadRequest keeps the first and forgets the others, by which a proxy in
// front and this server could see different hosts.
func hosts(head []byte) int {
	n := 0
	for line := range bytes.Lines(head) {
		if len(line) > 5 && line[4] == ':' && bytes.EqualFold(line[:4], []byte("host")) {
			n++
		}
	}
	return n
}

// upgrade makes the connection a WebSocket. early is what came right behind the request.
func (o *opening) upgrade(r *http.Request, early []byte) {
	s := o.server
	accepted, err := s.upgrader.accept(r, o.client)
	if err != nil {
		o.refuse(s.upgrader.refusal(r, err))
		return
	}
	s.closedOpening(o) // from here on Shutdown must not cut it without a close frame
	if err := o.conn.Send(accepted.response.Bytes(), nil, loop.Urgent); err != nil {
		accepted.fail()
		o.conn.Abort(err)
		return
	}
	h := s.welcome(accepted, o.conn)
	o.conn.SetHandler(h)
	if len(early) > 0 {
		h.Data(early)
	}
	o.free()
}

// refuse answers with a refusal and ends the connection.
func (o *opening) refuse(refusal *Refusal) {
	response := handshake.AppendRefusal(nil, refusal)
	o.conn.Send(response, nil, loop.Urgent)
	o.conn.Finish(refusal, o.server.upgrader.set.close)
}

// Timer ends a connection that has not made up its mind in time.
func (o *opening) Timer() {
	o.server.counts.refuse(refusedTimeout)
	if o.head.Len() == 0 {
		o.conn.Abort(ErrTimeout)
		return
	}
	o.refuse(&Refusal{Status: http.StatusRequestTimeout, Reason: "the request did not come whole in time"})
}

// Closed is called only if it came to no Conn.
func (o *opening) Closed(err error) {
	if errors.Is(err, ErrServerClosed) {
		o.server.counts.refuse(refusedShutdown)
	}
	o.server.closedOpening(o)
	o.free()
}

func (o *opening) free() {
	o.head.Free()
	o.head = nil
}

// leaveToHTTP hands the connection to the server that answers plain requests.
func (s *Server) leaveToHTTP(o *opening) {
	early := bytes.Clone(o.head.Bytes())
	s.closedOpening(o)
	o.free()
	plain := s.plainRequests(o.conn.LocalAddr())
	if plain == nil {
		o.conn.Abort(ErrServerClosed)
		return
	}
	nc, err := o.conn.Detach()
	if err != nil {
		o.conn.Abort(err)
		return
	}
	if !plain.offer(&earlyConn{Conn: nc, early: early, remote: o.remoteAddr()}) {
		nc.Close()
	}
}

// earlyConn is a connection of which some bytes were read already.
type earlyConn struct {
	net.Conn
	early  []byte
	remote net.Addr
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
