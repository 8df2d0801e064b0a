package molva

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"time"

	"github.com/molva-ws/molva/handshake"
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
	set          *settings
	origins      []string
	subprotocols []string
	onUpgrade    func(*Upgrade) error
	door         *door // nil on connections that have no server
}

// accepted is a handshake that was found good, with the response to send.
type accepted struct {
	response *buffer.Buffer
	agreed   handshake.Agreement
	user     string
	value    any
	door     *door // the client has to leave it
	client   client
}

// accept decides on a request that has come from peer. The error is a [*Refusal], or one that is not meant for the
// client.
func (u *upgrader) accept(r *http.Request, peer client) (*accepted, error) {
	offer, err := handshake.CheckRequest(r)
	if err != nil {
		u.set.counts.refuse(refusedRequest)
		return nil, err
	}
	from, err := u.door.admit(r, peer)
	if err != nil {
		return nil, err
	}
	a, err := u.agree(r, offer, from)
	if err != nil {
		u.door.leave(from.addr.Addr())
	}
	return a, err
}

// agree asks whether the client may have a connection, and of which kind.
func (u *upgrader) agree(r *http.Request, offer handshake.Offer, from client) (*accepted, error) {
	up, err := u.admit(r, offer, from)
	if err != nil {
		return nil, err
	}
	a := &accepted{
		door:   u.door,
		client: from,
		agreed: handshake.Agreement{Subprotocol: up.Subprotocol, Deflate: u.set.acceptDeflate(offer.Extensions)},
		user:   up.User,
		value:  up.Value,
	}
	response := buffer.Get(512)
	raw, err := handshake.AppendResponse(response.Bytes(), offer.Key, a.agreed, up.ResponseHeader)
	if err != nil {
		response.Free()
		u.set.counts.refuse(refusedFailed)
		return nil, fmt.Errorf("%w: %w", errResponse, err)
	}
	response.Set(raw)
	a.response = response
	return a, nil
}

// conn makes the connection, once the response is sent.
func (a *accepted) conn(transport loop.Conn, set *settings) *Conn {
	a.response.Free()
	c := newConn(wire.Server, transport, set, a.agreed)
	c.info.user, c.info.value = a.user, a.value
	if addr := a.client.addr.Addr(); a.door != nil && addr != c.ClientAddr() {
		c.info.client = &addr
	}
	return c
}

// fail undoes the acceptance when it comes to no connection.
func (a *accepted) fail() {
	a.response.Free()
	a.door.leave(a.client.addr.Addr())
	if a.door != nil {
		a.door.counts.refuse(refusedFailed)
	}
}

// upgrade answers the handshake and takes the connection over from net/http. If it returns an error the response has
// been written.
func (u *upgrader) upgrade(w http.ResponseWriter, r *http.Request) (net.Conn, *buffer.Buffer, *accepted, error) {
	a, err := u.accept(r, u.door.sender(r))
	if err != nil {
		u.refusal(r, err).ServeHTTP(w, r)
		return nil, nil, nil, err
	}
	nc, early, err := hijack(w)
	if err != nil {
		a.fail()
		u.refusal(r, err).ServeHTTP(w, r)
		return nil, nil, nil, err
	}
	nc.SetDeadline(time.Now().Add(min(u.set.handshake, 24*time.Hour)))
	if _, err := nc.Write(a.response.Bytes()); err != nil {
		a.fail()
		early.Free()
		nc.Close()
		return nil, nil, nil, fmt.Errorf("%w: %w", errResponse, err)
	}
	nc.SetDeadline(time.Time{})
	return nc, early, a, nil
}

// admit checks the origin of the request, and what OnUpgrade has to say.
func (u *upgrader) admit(r *http.Request, offer handshake.Offer, from client) (*Upgrade, error) {
	if err := handshake.CheckOrigin(r, u.origins); err != nil {
		u.set.counts.refuse(refusedOrigin)
		return nil, err
	}
	up := &Upgrade{
		Request:        r,
		ClientAddr:     from.addr.Addr(),
		Subprotocol:    handshake.ChooseSubprotocol(u.subprotocols, offer.Subprotocols),
		ResponseHeader: make(http.Header),
	}
	if u.onUpgrade == nil {
		return up, nil
	}
	if err := u.callOnUpgrade(up); err != nil {
		u.set.counts.refuse(refusedUpgrade)
		return nil, err
	}
	return up, nil
}

func (u *upgrader) callOnUpgrade(up *Upgrade) (err error) {
	defer func() {
		if v := recover(); v != nil {
			u.set.log.Error("callback panicked", "client", up.ClientAddr, "panic", v, "stack", string(debug.Stack()))
			err = &Refusal{Status: http.StatusInternalServerError, Reason: "internal error"}
		}
	}()
	return u.onUpgrade(up)
}

// refusal returns the answer that an error deserves. What it says goes to the client only if it is meant for it.
func (u *upgrader) refusal(r *http.Request, err error) *Refusal {
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return refusal
	}
	u.set.log.Warn("opening handshake refused", "remote", r.RemoteAddr, "error", err)
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
func newConn(role wire.Role, transport loop.Conn, set *settings, agreed handshake.Agreement) *Conn {
	c := &Conn{set: set, role: role, transport: transport, throttle: set.rates.newThrottle()}
	c.info.subprotocol = agreed.Subprotocol
	var inflater *wire.Inflater
	if agreed.Deflate != nil {
		inflater = c.compress(*agreed.Deflate)
	}
	c.decoder = wire.NewDecoder(role, &set.limits, inflater)
	return c
}

// compress sets up the sending half of permessage-deflate and returns the receiving one.
func (c *Conn) compress(d handshake.Deflate) *wire.Inflater {
	mine, theirs := d.ServerWindowBits(), d.ClientWindowBits()
	keepMine, keepTheirs := !d.ServerNoContextTakeover, !d.ClientNoContextTakeover
	if c.role == wire.Client {
		mine, theirs, keepMine, keepTheirs = theirs, mine, keepTheirs, keepMine
	}
	// A sender need not use the context it may keep. One that might drop a message must not.
	c.takeover = keepMine && c.set.compression.Takeover && c.set.slow != SlowDropOldest
	c.window = uint8(mine)
	c.deflater = wire.NewDeflater(mine, c.takeover)
	return wire.NewInflater(theirs, keepTheirs)
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
