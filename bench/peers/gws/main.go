// Command gws is an echo and a broadcast on github.com/lxzan/gws.
//
// Set up as its README advises for speed: its own listener in place of net/http, messages handled on the reading
// goroutine (ParallelEnabled off, the default), compression off unless asked for, no UTF-8 check (the default), and
// each message given back to the library's pool after use. The broadcast is its Broadcaster (README, Broadcast), which
// encodes once and writes from a queue of each connection.
package main

import (
	"bytes"
	"log"
	"sync"

	"github.com/lxzan/gws"

	"github.com/molva-ws/molva/bench/internal/peer"
)

type echo struct{ gws.BuiltinEventHandler }

func (echo) OnMessage(c *gws.Conn, m *gws.Message) {
	defer m.Close()
	_ = c.WriteMessage(m.Opcode, m.Bytes())
}

func (echo) OnPing(c *gws.Conn, payload []byte) { _ = c.WritePong(payload) }

type broadcast struct {
	echo
	mu    sync.Mutex
	conns map[*gws.Conn]struct{}
}

func (b *broadcast) OnOpen(c *gws.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.conns[c] = struct{}{}
}

func (b *broadcast) OnClose(c *gws.Conn, _ error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.conns, c)
}

func (b *broadcast) OnMessage(_ *gws.Conn, m *gws.Message) {
	defer m.Close()
	b.mu.Lock()
	defer b.mu.Unlock()
	broadcaster := gws.NewBroadcaster(m.Opcode, bytes.Clone(m.Bytes()))
	defer broadcaster.Close()
	for c := range b.conns {
		_ = broadcaster.Broadcast(c)
	}
}

func main() {
	o := peer.Parse()
	var handler gws.Event = echo{}
	if o.Broadcast {
		handler = &broadcast{conns: make(map[*gws.Conn]struct{})}
	}
	option := &gws.ServerOption{}
	if o.Compress {
		option.PermessageDeflate = gws.PermessageDeflate{Enabled: true, Level: peer.Level, Threshold: 1}
	}
	log.Fatal(gws.NewServer(handler, option).RunListener(o.MustListen()))
}
