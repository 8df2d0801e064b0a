package molva

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"net/http"
	"slices"
	"sync"
	"unsafe"

	"github.com/molva-ws/molva/handshake"
	"github.com/molva-ws/molva/internal/admission"
	"github.com/molva-ws/molva/internal/buffer"
	"github.com/molva-ws/molva/internal/loop"
)

// opening is a connection on the server's own port of which nobody knows yet what it wants. It gathers the head of the
// first request. A handshake makes it a [Conn]; anything else goes to net/http with the bytes read so far.
type opening struct {
	server *Server
	conn   detachable
	head   *buffer.Buffer // nil as long as nothing has to be kept
	seen   int            // bytes of head that were searched for its end

	peer    client         // at the other end of the socket
	client  client         // the same, or the one for whom a proxy has opened the connection
	remote  net.Addr       // the client's, if a PROXY protocol header says so
	proxied bool           // such a header has to come yet
	pass    admission.Pass // as a visitor, until it was shown

	listed     bool // is one of the server's
	prev, next *opening
}

// detachable is a connection that can be handed to net/http.
type detachable interface {
	loop.Conn
	// Detach gives the socket up. Only a method of the handler may call it, and no other call follows.
	Detach() (net.Conn, error)
}

// openingPool keeps openings that came to an end. A storm of new connections makes no garbage of them.
var openingPool = sync.Pool{New: func() any { return new(opening) }}

func newOpening() *opening { return openingPool.Get().(*opening) }

// free gives everything back. The connection has another handler by now, or none.
func (o *opening) free() {
	o.head.Free()
	*o = opening{}
	openingPool.Put(o)
}

// Data gathers the head and acts once it is whole. One that comes in one piece is read where it lies.
func (o *opening) Data(p []byte) {
	if o.head != nil || o.proxied {
		o.keep(p)
		if o.proxied && !o.readProxyHeader() {
			return
		}
		p = o.head.Bytes()
	}
	end := o.headEnd(p)
	switch {
	case end < 0 && len(p) <= defaultHeaderBytes:
		if o.head == nil {
			o.keep(p)
		}
	case end < 0 || end > defaultHeaderBytes:
		o.server.counts.refuse(refusedTooLarge)
		o.refuse(&Refusal{
			Status: http.StatusRequestHeaderFieldsTooLarge,
			Reason: "the request's header is longer than this server reads",
		})
	default:
		o.decide(p[:end], p[end:])
	}
}

// keep holds what has come until there is more.
func (o *opening) keep(p []byte) {
	if o.head == nil {
		o.head = buffer.Get(len(p))
	}
	o.head.Append(p)
}

// headEnd returns the length of the request's head, with which b begins, -1 while it is not whole.
func (o *opening) headEnd(b []byte) int {
	const end = "\r\n\r\n"
	from := max(0, o.seen-len(end)+1)
	o.seen = len(b)
	if i := bytes.Index(b[from:], []byte(end)); i >= 0 {
		return from + i + len(end)
	}
	return -1
}

// decide reads the request and finds out who answers it. early is what came right behind it.
func (o *opening) decide(head, early []byte) {
	r := requests.Get().(*request)
	err := o.read(r, head)
	if err == nil && (o.server.Handler == nil || r.head.IsUpgrade()) {
		o.upgrade(r, early)
		return
	}
	r.free()
	if err == nil {
		o.server.leaveToHTTP(o, slices.Concat(head, early))
		return
	}
	o.server.counts.refuse(refusedRequest)
	o.refuse(&Refusal{Status: http.StatusBadRequest, Reason: "this is not an HTTP request"})
}

// requests keeps what requests are read into.
var requests = sync.Pool{New: func() any { return new(request) }}

func (r *request) free() {
	*r = request{}
	requests.Put(r)
}

// read finds out what the head of the request says. For most it takes no memory.
func (o *opening) read(r *request, head []byte) (err error) {
	if !o.isShown() && r.head.Parse(unsafe.String(unsafe.SliceData(head), len(head))) {
		// The strings lie in the bytes that have arrived. Nothing that outlives the answer is made of them: the rules
		// of the handshake copy what they quote, and nobody else sees them.
		return nil
	}
	if r.http, err = readRequest(head); err != nil {
		return err
	}
	r.http.RemoteAddr = o.remoteAddr().String()
	r.head = handshake.HeadOf(r.http)
	return nil
}

// isShown reports whether somebody looks at the request who may look at, and keep, all of it.
func (o *opening) isShown() bool { return o.server.OnUpgrade != nil || o.client.trusted }

var headReaders = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 512) }}

// readRequest has net/http read the request.
func readRequest(head []byte) (*http.Request, error) {
	reader := headReaders.Get().(*bufio.Reader)
	reader.Reset(bytes.NewReader(head))
	defer func() {
		reader.Reset(nil)
		headReaders.Put(reader)
	}()
	r, err := http.ReadRequest(reader)
	if err != nil {
		return nil, err
	}
	if hosts(head) > 1 {
		return nil, errHosts
	}
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
func (o *opening) upgrade(r *request, early []byte) {
	s := o.server
	accepted, err := s.upgrader.accept(r, o.client)
	r.free()
	if err != nil {
		o.refuse(s.upgrader.refusal(err, func() string { return o.remoteAddr().String() }))
		return
	}
	s.closedOpening(o) // from here on Shutdown must not cut it without a close frame
	if err := o.conn.Send(loop.Head{}, accepted.response.Bytes(), loop.Urgent); err != nil {
		accepted.fail()
		o.conn.Abort(err)
		return
	}
	h := s.welcome(&accepted, o.conn)
	o.conn.SetHandler(h)
	if len(early) > 0 {
		h.Data(early)
	}
	o.free()
}

// refuse answers with a refusal and ends the connection.
func (o *opening) refuse(refusal *Refusal) {
	response := handshake.AppendRefusal(nil, refusal)
	o.conn.Send(loop.Head{}, response, loop.Urgent)
	o.conn.Finish(refusal, o.server.upgrader.set().close)
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

// openings are those of a server, as a list through themselves. It is under the server's mu.
type openings struct {
	first *opening
	empty chan struct{} // closed when none is left; made by who waits for it
}

func (l *openings) add(o *opening) {
	o.listed, o.next = true, l.first
	if l.first != nil {
		l.first.prev = o
	}
	l.first = o
}

// remove takes o out if it is in.
func (l *openings) remove(o *opening) {
	if !o.listed {
		return
	}
	if o.next != nil {
		o.next.prev = o.prev
	}
	if o.prev != nil {
		o.prev.next = o.next
	} else {
		l.first = o.next
	}
	o.listed, o.prev, o.next = false, nil, nil
	if l.first == nil && l.empty != nil {
		close(l.empty)
		l.empty = nil
	}
}

// none returns a channel that is closed when none is left.
func (l *openings) none() <-chan struct{} {
	if l.empty == nil {
		l.empty = make(chan struct{})
	}
	empty := l.empty
	if l.first == nil {
		close(empty)
		l.empty = nil
	}
	return empty
}

// conns returns the connections, but for those on their way to net/http.
func (l *openings) conns() []loop.Conn {
	var conns []loop.Conn
	for o := l.first; o != nil; o = o.next {
		if o.conn != nil {
			conns = append(conns, o.conn)
		}
	}
	return conns
}
