package molva

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/molva-ws/molva/handshake"
	"github.com/molva-ws/molva/internal/admission"
	"github.com/molva-ws/molva/internal/buffer"
	"github.com/molva-ws/molva/internal/loop"
	"github.com/molva-ws/molva/wire"
)

// Upgrade is a request for a WebSocket that was found correct and is about to be answered. Server.OnUpgrade may set
// its fields. It must not be kept.
type Upgrade struct {
	*http.Request

	// ClientAddr is where the client is; see Conn.ClientAddr.
	ClientAddr netip.Addr
	// User names the user at the other end, for Server.SendUser.
	User string
	// Value is attached to the connection; see Conn.Value.
	Value any
	// Subprotocol is the one chosen, by the server's order of preference, of those that the client offers; "" is none.
	Subprotocol string
	// ResponseHeader is added to the response, a cookie for example.
	ResponseHeader http.Header
}

// Refusal is an error by which OnUpgrade refuses a handshake with a status and a sentence for the client. Any other
// error refuses it with 403 and is only logged.
type Refusal = handshake.Refusal

// upgrader is what it takes to answer an opening handshake.
type upgrader struct {
	current      atomic.Pointer[settings] // see set
	origins      atomic.Pointer[[]string]
	subprotocols []string
	onUpgrade    func(*Upgrade) error
	door         *door // nil on connections that have no server
}

// set returns what new connections share.
func (u *upgrader) set() *settings { return u.current.Load() }

// request is an opening handshake in whichever form it has come.
type request struct {
	head handshake.Head
	http *http.Request // nil if nobody but the rules of the handshake looks at it
}

// accepted is a handshake that was found good, with the response to send.
type accepted struct {
	response *buffer.Buffer
	agreed   handshake.Agreement
	user     string
	value    any
	door     *door // the client has to leave it
	pass     admission.Pass
	client   client
}

// accept decides on a request that has come from peer. The error is a [*Refusal], or one that is not meant for the
// client.
func (u *upgrader) accept(r *request, peer client) (accepted, error) {
	offer, err := r.head.Check()
	if err != nil {
		u.set().counts.refuse(refusedRequest)
		return accepted{}, err
	}
	from, pass, err := u.door.admit(r, peer)
	if err != nil {
		return accepted{}, err
	}
	a, err := u.agree(r, offer, from)
	if err != nil {
		u.door.leave(from.addr.Addr(), pass)
	}
	a.pass = pass
	return a, err
}

// agree asks whether the client may have a connection, and of which kind.
func (u *upgrader) agree(r *request, offer handshake.Offer, from client) (accepted, error) {
	if err := r.head.CheckOrigin(*u.origins.Load()); err != nil {
		u.set().counts.refuse(refusedOrigin)
		return accepted{}, err
	}
	a := accepted{door: u.door, client: from}
	a.agreed.Subprotocol = handshake.ChooseSubprotocol(u.subprotocols, offer.Subprotocols)
	a.agreed.Deflate = u.set().acceptDeflate(offer.Extensions)
	var extra http.Header
	if u.onUpgrade != nil {
		var err error
		if extra, err = u.ask(r.http, &a); err != nil {
			u.set().counts.refuse(refusedUpgrade)
			return accepted{}, err
		}
	}
	return a, u.respond(&a, offer.Key, extra)
}

// ask lets OnUpgrade have its say, and returns what it adds to the response.
func (u *upgrader) ask(r *http.Request, a *accepted) (http.Header, error) {
	up := &Upgrade{
		Request:        r,
		ClientAddr:     a.client.addr.Addr(),
		Subprotocol:    a.agreed.Subprotocol,
		ResponseHeader: make(http.Header),
	}
	if err := u.callOnUpgrade(up); err != nil {
		return nil, err
	}
	// A name that was cut out of the request must not hold all of it for as long as the connection lasts.
	a.user, a.value, a.agreed.Subprotocol = strings.Clone(up.User), up.Value, up.Subprotocol
	return up.ResponseHeader, nil
}

// respond writes the response that accepts.
func (u *upgrader) respond(a *accepted, key string, extra http.Header) error {
	response := buffer.Get(512)
	raw, err := handshake.AppendResponse(response.Bytes(), key, a.agreed, extra)
	if err != nil {
		response.Free()
		u.set().counts.refuse(refusedFailed)
		return fmt.Errorf("%w: %w", errResponse, err)
	}
	response.Set(raw)
	a.response = response
	return nil
}

// conn makes the connection, once the response is sent.
func (a *accepted) conn(transport loop.Conn, set *settings) *Conn {
	a.response.Free()
	c := newConn(wire.Server, transport, set, &a.agreed)
	c.pass = a.pass
	if a.user != "" || a.value != nil {
		c.known().user, c.known().value = a.user, a.value
	}
	if a.door == nil {
		return c
	}
	if a.client.addr.Addr() != peerAddr(transport).Addr() {
		addr := a.client.addr.Addr()
		c.known().client = &addr
	}
	return c
}

// fail undoes the acceptance when it comes to no connection.
func (a *accepted) fail() {
	a.response.Free()
	a.door.leave(a.client.addr.Addr(), a.pass)
	if a.door != nil {
		a.door.counts.refuse(refusedFailed)
	}
}

// upgrade answers the handshake and takes the connection over from net/http. If it returns an error the response has
// been written.
func (u *upgrader) upgrade(w http.ResponseWriter, r *http.Request) (net.Conn, *buffer.Buffer, *accepted, error) {
	a, err := u.accept(&request{head: handshake.HeadOf(r), http: r}, u.door.sender(r))
	if err != nil {
		u.refusal(err, func() string { return r.RemoteAddr }).ServeHTTP(w, r)
		return nil, nil, nil, err
	}
	nc, early, err := hijack(w)
	if err != nil {
		a.fail()
		u.refusal(err, func() string { return r.RemoteAddr }).ServeHTTP(w, r)
		return nil, nil, nil, err
	}
	nc.SetDeadline(time.Now().Add(min(u.set().handshake, 24*time.Hour)))
	if _, err := nc.Write(a.response.Bytes()); err != nil {
		a.fail()
		early.Free()
		nc.Close()
		return nil, nil, nil, fmt.Errorf("%w: %w", errResponse, err)
	}
	nc.SetDeadline(time.Time{})
	return nc, early, &a, nil
}

func (u *upgrader) callOnUpgrade(up *Upgrade) (err error) {
	defer func() {
		if v := recover(); v != nil {
			u.set().log.Error("callback panicked", "client", up.ClientAddr, "panic", v, "stack", string(debug.Stack()))
			err = &Refusal{Status: http.StatusInternalServerError, Reason: "internal error"}
		}
	}()
	return u.onUpgrade(up)
}

// refusal returns the answer that an error deserves. What it says goes to the client only if it is meant for it.
func (u *upgrader) refusal(err error, remote func() string) *Refusal {
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return refusal
	}
	u.set().log.Warn("opening handshake refused", "remote", remote(), "error", err)
	switch {
	case errors.Is(err, errHijack):
		return &Refusal{Status: http.StatusInternalServerError, Reason: "this server cannot hand connections over"}
	case errors.Is(err, errResponse):
		return &Refusal{Status: http.StatusInternalServerError, Reason: "internal error"}
	}
	return &Refusal{Status: http.StatusForbidden, Reason: "the server refuses this connection"}
}

// errResponse says that the response cannot be sent, as with a header of the application's that has no place in it.
var errResponse = errors.New("molva: response to the handshake")

var errHijack = errors.New("molva: the http.ResponseWriter cannot be hijacked; a middleware may hide it")

// hijack takes the connection over from net/http, with what it has read too much.
func hijack(w http.ResponseWriter) (net.Conn, *buffer.Buffer, error) {
	nc, rw, err := hijackBelow(w)
	if err != nil {
		return nil, nil, err
	}
	nc = unwrap(nc)
	var early *buffer.Buffer
	if n := rw.Reader.Buffered(); n > 0 {
		early = buffer.Get(n)
		peeked, _ := rw.Reader.Peek(n)
		early.Append(peeked)
	}
	// net/http keeps these two, of 4 KiB each, for as long as the handler runs.
	*rw.Reader, *rw.Writer = bufio.Reader{}, bufio.Writer{}
	return nc, early, nil
}

// hijackBelow asks w, or what it wraps. The one of gin panics where the writer underneath, of a middleware, has no
// Hijack but only Unwrap, which is all that net/http asks for.
func hijackBelow(w http.ResponseWriter) (nc net.Conn, rw *bufio.ReadWriter, err error) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		if outer, ok := w.(interface{ Unwrap() http.ResponseWriter }); ok {
			nc, rw, err = hijackBelow(outer.Unwrap())
			return
		}
		err = fmt.Errorf("%w: it panics: %v", errHijack, v)
	}()
	nc, rw, err = http.NewResponseController(w).Hijack()
	if err != nil {
		err = fmt.Errorf("%w: %w", errHijack, err)
	}
	return nc, rw, err
}

// newConn makes a connection after the handshake.
func newConn(role wire.Role, transport loop.Conn, set *settings, agreed *handshake.Agreement) *Conn {
	c := &Conn{set: set, role: role, transport: transport}
	if agreed.Subprotocol != "" {
		c.known().subprotocol = agreed.Subprotocol
	}
	if throttle := set.rates.Load().newThrottle(); throttle != nil {
		c.extra = &extra{throttle: throttle}
	}
	if agreed.Deflate != nil {
		c.compress(*agreed.Deflate)
	}
	return c
}

// compress sets up both halves of permessage-deflate.
func (c *Conn) compress(d handshake.Deflate) {
	mine, theirs := d.ServerWindowBits(), d.ClientWindowBits()
	keepMine, keepTheirs := !d.ServerNoContextTakeover, !d.ClientNoContextTakeover
	if c.role == wire.Client {
		mine, theirs, keepMine, keepTheirs = theirs, mine, keepTheirs, keepMine
	}
	if c.extra == nil {
		c.extra = new(extra)
	}
	// A sender need not use the context it may keep. One that might drop a message must not.
	c.extra.takeover = keepMine && c.set.compression.Takeover && !c.set.slow.drops()
	c.extra.window = uint8(mine)
	c.extra.deflater = wire.NewDeflater(mine, c.extra.takeover)
	decoder := wire.NewDecoder(c.role, &c.set.limits, wire.NewInflater(theirs, keepTheirs))
	c.decoder = &decoder
}

// deflateWish returns the parameters that this end asks for.
func (s *settings) deflateWish() handshake.Deflate {
	return handshake.Deflate{
		ServerNoContextTakeover: !s.compression.Takeover,
		ClientNoContextTakeover: !s.compression.Takeover,
		ServerMaxWindowBits:     s.compression.WindowBits,
		ClientMaxWindowBits:     s.compression.WindowBits,
	}
}

func (s *settings) acceptDeflate(offers []handshake.Extension) *handshake.Deflate {
	if !s.compression.Enabled {
		return nil
	}
	agreed, ok := handshake.NegotiateDeflate(offers, s.deflateWish())
	if !ok {
		return nil
	}
	return &agreed
}
