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

// publication is what is published to a room.
type publication struct {
	from    *Client // nil if it is the application
	echo    bool    // from gets it, too
	subject string  // what it is about; "" for nothing in particular
	data    []byte
}

// delivery returns how it reaches those who cannot take it at once.
func (p *publication) delivery(g *Gateway, room string) molva.Delivery {
	d := molva.Delivery{Key: p.subject}
	if p.from != nil && !p.echo {
		d.Except = p.from.conn
	}
	if rule := g.rules().Slow; rule != nil {
		d.Slow = rule(room)
	}
	return d
}

// publish sends to everyone in a room.
func (g *Gateway) publish(name string, p publication) sent {
	for {
		r := g.rooms.find(name)
		if r == nil {
			return g.stamp() // nobody is there
		}
		if s, ok := r.publish(g, p); ok {
			return s
		}
	}
}

// publish reports whether the room was still there.
func (r *room) publish(g *Gateway, p publication) (sent, bool) {
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
	if p.subject != "" {
		t.raw(`,"subject":`)
		t.string(p.subject)
	}
	t.finish(s, p.from, p.data)
	s.reached, _ = g.WebSocket.PublishWith(r.name, t.message(), p.delivery(g, r.name))
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
