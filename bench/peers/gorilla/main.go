// Command gorilla is an echo and a broadcast on github.com/gorilla/websocket.
//
// Set up as its package documentation advises for speed: buffers as large as the usual message and a pool of write
// buffers (section Buffers), compression off unless asked for and then without context takeover, the only form it has
// (section Compression). WriteMessage on an uncompressed server connection sends without an intermediate copy. Reading
// goes through NextReader into a buffer of the connection's own, which spares the allocation ReadMessage makes for
// each message. The broadcast is that of examples/chat, a queue and a writing goroutine per connection, with a
// PreparedMessage, which is encoded once.
package main

import (
	"bytes"
	"log"
	"net/http"
	"sync"

	"github.com/gorilla/websocket"

	"github.com/molva-ws/molva/bench/internal/peer"
)

type server struct {
	peer.Options
	upgrader websocket.Upgrader
	hub      peer.Hub[*websocket.PreparedMessage]
}

func main() {
	s := &server{Options: peer.Parse()}
	s.upgrader = websocket.Upgrader{
		ReadBufferSize:    4096,
		WriteBufferSize:   4096,
		WriteBufferPool:   &sync.Pool{},
		CheckOrigin:       peer.AnyOrigin,
		EnableCompression: s.Compress,
	}
	log.Fatal(http.Serve(s.MustListen(), s))
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := s.upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer c.Close()
	c.SetCompressionLevel(peer.Level)
	send := c.WriteMessage
	if s.Broadcast {
		queue := s.hub.Join()
		defer s.hub.Leave(queue)
		go write(c, queue)
		send = s.publish
	}
	var message bytes.Buffer
	for {
		kind, reader, err := c.NextReader()
		if err != nil {
			return
		}
		message.Reset()
		if _, err := message.ReadFrom(reader); err != nil {
			return
		}
		if err := send(kind, message.Bytes()); err != nil {
			return
		}
	}
}

func (s *server) publish(kind int, message []byte) error {
	prepared, err := websocket.NewPreparedMessage(kind, bytes.Clone(message))
	if err == nil {
		s.hub.Publish(prepared)
	}
	return err
}

func write(c *websocket.Conn, queue <-chan *websocket.PreparedMessage) {
	defer c.Close()
	for message := range queue {
		if err := c.WritePreparedMessage(message); err != nil {
			return
		}
	}
}
