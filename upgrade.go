package molva

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
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

// upgrade answers the handshake and takes the connection over. If it returns an error, which is a *Refusal where the
// client is to blame, the response has been written.
func (u *upgrader) upgrade(w http.ResponseWriter, r *http.Request) (*Conn, error) {
	offer, up, err := u.admit(r)
	if err != nil {
		u.refuse(w, r, err)
		return nil, err
	}
	agreed := handshake.Agreement{Subprotocol: up.Subprotocol, Deflate: u.set.acceptDeflate(offer.Extensions)}
	response := buffer.Get(512)
	defer response.Free()
	raw, err := handshake.AppendResponse(response.Bytes(), offer.Key, agreed, up.ResponseHeader)
	if err != nil {
		err = fmt.Errorf("molva: response to the handshake: %w", err)
		u.refuse(w, r, err)
		return nil, err
	}
	response.Set(raw)
	nc, early, err := hijack(w)
	if err != nil {
		u.refuse(w, r, err)
		return nil, err
	}
	nc.SetDeadline(time.Now().Add(min(u.set.handshake, 24*time.Hour)))
	if _, err := nc.Write(raw); err != nil {
		early.Free()
		nc.Close()
		return nil, fmt.Errorf("molva: response to the handshake: %w", err)
	}
	nc.SetDeadline(time.Time{})
	c := newConn(wire.Server, nc, early, u.set, agreed)
	c.info.user, c.info.value = up.User, up.Value
	return c, nil
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
		err = u.onUpgrade(up)
	}
	return offer, up, err
}

// refuse answers with what the error says, if it is meant for the client.
func (u *upgrader) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var refusal *handshake.Refusal
	if !errors.As(err, &refusal) {
		u.set.log.Warn("opening handshake refused", "remote", r.RemoteAddr, "error", err)
		refusal = &handshake.Refusal{Status: http.StatusForbidden, Reason: "the server refuses this connection"}
	}
	if errors.Is(err, errHijack) {
		refusal = &handshake.Refusal{Status: http.StatusInternalServerError, Reason: "this server cannot hand connections over"}
	}
	refusal.ServeHTTP(w, r)
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

// newConn makes a connection of a socket after the handshake. early is what was read from it already.
func newConn(role wire.Role, nc net.Conn, early *buffer.Buffer, set *settings, agreed handshake.Agreement) *Conn {
	c := &Conn{set: set, role: role}
	c.transport = loop.NewStream(nc, &set.outbox, early)
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
