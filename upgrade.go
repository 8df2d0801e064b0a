package molva

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
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
}

// accepted is a handshake that was found good, with the response to send.
type accepted struct {
	response *buffer.Buffer
	agreed   handshake.Agreement
	user     string
	value    any
}

// accept decides on a request. The error is a [*Refusal], or one that is not meant for the client.
func (u *upgrader) accept(r *http.Request) (*accepted, error) {
	offer, up, err := u.admit(r)
	if err != nil {
		return nil, err
	}
	a := &accepted{
		agreed: handshake.Agreement{Subprotocol: up.Subprotocol, Deflate: u.set.acceptDeflate(offer.Extensions)},
		user:   up.User,
		value:  up.Value,
	}
	response := buffer.Get(512)
	raw, err := handshake.AppendResponse(response.Bytes(), offer.Key, a.agreed, up.ResponseHeader)
	if err != nil {
		response.Free()
		return nil, fmt.Errorf("molva: response to the handshake: %w", err)
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
	return c
}

// upgrade answers the handshake and takes the connection over from net/http. If it returns an error the response has
// been written.
func (u *upgrader) upgrade(w http.ResponseWriter, r *http.Request) (net.Conn, *buffer.Buffer, *accepted, error) {
	a, err := u.accept(r)
	if err != nil {
		u.refusal(r, err).ServeHTTP(w, r)
		return nil, nil, nil, err
	}
	nc, early, err := hijack(w)
	if err != nil {
		a.response.Free()
		u.refusal(r, err).ServeHTTP(w, r)
		return nil, nil, nil, err
	}
	nc.SetDeadline(time.Now().Add(min(u.set.handshake, 24*time.Hour)))
	if _, err := nc.Write(a.response.Bytes()); err != nil {
		a.response.Free()
		early.Free()
		nc.Close()
		return nil, nil, nil, fmt.Errorf("molva: response to the handshake: %w", err)
	}
	nc.SetDeadline(time.Time{})
	return nc, early, a, nil
}

// admit checks the request, its origin, and what OnUpgrade has to say.
func (u *upgrader) admit(r *http.Request) (handshake.Offer, *Upgrade, error) {
	offer, err := handshake.CheckRequest(r)
	if err != nil {
		return offer, nil, err
	}
	if err := handshake.CheckOrigin(r, u.origins); err != nil {
		return offer, nil, err
	}
	up := &Upgrade{
		Request:        r,
		Subprotocol:    handshake.ChooseSubprotocol(u.subprotocols, offer.Subprotocols),
		ResponseHeader: make(http.Header),
	}
	if u.onUpgrade != nil {
		err = u.callOnUpgrade(up)
	}
	return offer, up, err
}

func (u *upgrader) callOnUpgrade(up *Upgrade) (err error) {
	defer func() {
		if v := recover(); v != nil {
			u.set.log.Error("callback panicked", "remote", up.RemoteAddr, "panic", v, "stack", string(debug.Stack()))
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
	if errors.Is(err, errHijack) {
		return &Refusal{Status: http.StatusInternalServerError, Reason: "this server cannot hand connections over"}
	}
	return &Refusal{Status: http.StatusForbidden, Reason: "the server refuses this connection"}
}

var errHijack = errors.New("molva: the http.ResponseWriter cannot be hijacked; a middleware may hide it")

// hijack takes the connection over from net/http, with what it has read too much.
func hijack(w http.ResponseWriter) (net.Conn, *buffer.Buffer, error) {
	nc, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", errHijack, err)
	}
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

// newConn makes a connection after the handshake.
func newConn(role wire.Role, transport loop.Conn, set *settings, agreed handshake.Agreement) *Conn {
	c := &Conn{set: set, role: role, transport: transport}
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
