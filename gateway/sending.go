package gateway

import (
	"crypto/rand"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/molva-ws/molva"
)

// sent is what became of a message.
type sent struct {
	number  uint64 // makes the id
	time    int64
	reached int
}

func now() int64 { return time.Now().UnixMilli() }

// newPrefix returns what the ids of this run begin with.
func newPrefix() string { return strings.ToLower(rand.Text()[:4]) }

func (g *Gateway) messageID(number uint64) string {
	var t text
	t.messageID(g, number)
	return string(t.b)
}

func (t *text) messageID(g *Gateway, number uint64) {
	t.raw(g.prefix)
	t.raw("-")
	t.b = strconv.AppendUint(t.b, number, 36)
}

// stamp begins a sending.
func (g *Gateway) stamp() sent { return sent{number: g.messages.Add(1), time: now()} }

// begin appends the beginning of a message, which names its id. The address follows, then finish.
func (t *text) begin(g *Gateway, s sent) {
	t.raw(`{"type":"message","id":"`)
	t.messageID(g, s.number)
	t.raw(`"`)
}

// finish appends what comes after the address: who says it, if it is a client, and what.
func (t *text) finish(s sent, from *Client, data []byte) {
	if from != nil && from.user != "" {
		t.raw(`,"from":`)
		t.string(from.user)
	}
	t.raw(`,"data":`)
	t.bytes(data)
	t.raw(`,"time":`)
	t.int(s.time)
	t.raw(`}`)
}

// publish sends data to everyone in a room. It comes from a client, which does not get it without echo, or, if that is
// nil, from the application.
func (g *Gateway) publish(name string, from *Client, echo bool, data []byte) sent {
	for {
		r := g.rooms.find(name)
		if r == nil {
			return g.stamp() // nobody is there
		}
		if s, ok := r.publish(g, from, echo, data); ok {
			return s
		}
	}
}

// publish reports whether the room was still there.
func (r *room) publish(g *Gateway, from *Client, echo bool, data []byte) (sent, bool) {
	t := newText()
	defer t.free()
	if !r.lock() {
		return sent{}, false
	}
	defer r.mu.Unlock()
	s := g.stamp()
	t.begin(g, s)
	t.raw(`,"room":`)
	t.string(r.name)
	t.finish(s, from, data)
	if from == nil || echo {
		s.reached, _ = g.WebSocket.Publish(r.name, t.message())
	} else {
		s.reached, _ = from.conn.Publish(r.name, t.message())
	}
	return s, true
}

// sendUser sends data to all connections of a user.
func (g *Gateway) sendUser(user string, from *Client, data []byte) sent {
	t := newText()
	defer t.free()
	s := g.stamp()
	t.begin(g, s)
	t.raw(`,"user":`)
	t.string(user)
	t.finish(s, from, data)
	s.reached, _ = g.WebSocket.SendUser(user, t.message())
	return s
}

// connLists lends slices for the connections of a broadcast.
var connLists = sync.Pool{New: func() any { return new([]*molva.Conn) }}

// sendAll sends data to everyone. It does not use Server.Broadcast, which would reach connections that are being opened
// and were not greeted yet.
func (g *Gateway) sendAll(data []byte) sent {
	t := newText()
	defer t.free()
	s := g.stamp()
	t.begin(g, s)
	t.raw(`,"all":true`)
	t.finish(s, nil, data)
	p, err := molva.Prepare(t.message())
	if err != nil {
		return s
	}
	list := connLists.Get().(*[]*molva.Conn)
	*list = g.conns.appendAll((*list)[:0])
	for _, c := range *list {
		if c.SendPrepared(p) == nil {
			s.reached++
		}
	}
	clear(*list)
	connLists.Put(list)
	return s
}
