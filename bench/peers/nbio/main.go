// Command nbio is an echo and a broadcast on github.com/lesismal/nbio.
//
// Set up as its author does in his own comparison, github.com/lesismal/go-websocket-benchmark (frameworks/nbio_*):
// payloads given back to the pool after use, no read deadline. -iomod takes the two forms of its README, Different
// IOMod: nonblocking, its event loops; and blocking, a goroutine per connection, of which it says that it runs faster
// for few connections: there an echo writes directly (BlockingModAsyncWrite off), while a broadcast writes from another
// goroutine, as the README advises against head-of-line blocking. Frames may be as large as a message, as splitting one
// costs more.
package main

import (
	"flag"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/lesismal/nbio/logging"
	"github.com/lesismal/nbio/nbhttp"
	"github.com/lesismal/nbio/nbhttp/websocket"

	"github.com/molva-ws/molva/bench/internal/peer"
)

const (
	largestFrame = 1 << 24
	largestLoad  = 1 << 20 // connections; its default is 10,000
)

func main() {
	mode := flag.String("iomod", "nonblocking", "nonblocking or blocking")
	o := peer.Parse()
	logging.SetLevel(logging.LevelError)
	ioMod, known := map[string]int{"nonblocking": nbhttp.IOModNonBlocking, "blocking": nbhttp.IOModBlocking}[*mode]
	if !known {
		log.Fatalf("-iomod %s is neither nonblocking nor blocking", *mode)
	}
	upgrader := newUpgrader(o)
	engine := nbhttp.NewEngine(nbhttp.Config{
		Network:                      "tcp",
		Addrs:                        []string{o.Addr},
		Listen:                       func(string, string) (net.Listener, error) { return o.Listen() },
		IOMod:                        ioMod,
		MaxLoad:                      largestLoad,
		MaxWebsocketFramePayloadSize: largestFrame,
		ReleaseWebsocketPayload:      true,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if c, err := upgrader.Upgrade(w, r, nil); err == nil {
				c.SetReadDeadline(time.Time{})
			}
		}),
	})
	if err := engine.Start(); err != nil {
		log.Fatal(err)
	}
	select {}
}

func newUpgrader(o peer.Options) *websocket.Upgrader {
	u := websocket.NewUpgrader()
	u.CheckOrigin = peer.AnyOrigin
	u.BlockingModAsyncWrite = o.Broadcast
	if o.Compress {
		u.EnableCompression(true)
		if err := u.SetCompressionLevel(peer.Level); err != nil {
			log.Fatal(err)
		}
	}
	if o.Broadcast {
		new(broadcast).install(u)
		return u
	}
	u.OnMessage(func(c *websocket.Conn, kind websocket.MessageType, data []byte) { c.WriteMessage(kind, data) })
	return u
}

// broadcast writes to one connection after the other, which does not block.
type broadcast struct {
	mu    sync.Mutex
	conns map[*websocket.Conn]struct{}
}

func (b *broadcast) install(u *websocket.Upgrader) {
	b.conns = make(map[*websocket.Conn]struct{})
	u.OnOpen(func(c *websocket.Conn) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.conns[c] = struct{}{}
	})
	u.OnClose(func(c *websocket.Conn, _ error) {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.conns, c)
	})
	u.OnMessage(func(_ *websocket.Conn, kind websocket.MessageType, data []byte) {
		b.mu.Lock()
		defer b.mu.Unlock()
		for c := range b.conns {
			c.WriteMessage(kind, data)
		}
	})
}
