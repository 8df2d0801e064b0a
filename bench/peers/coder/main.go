// Command coder is an echo and a broadcast on github.com/coder/websocket.
//
// Set up as its documentation advises for speed: compression off (the default) unless asked for and then without
// context takeover, a context without deadline so that no timer is armed per message, and Reader with a reused buffer
// in place of Read, which allocates for each message. The broadcast is that of internal/examples/chat, a queue and a
// writing goroutine per connection; there is no prepared message.
package main

import (
	"bytes"
	"context"
	"log"
	"net/http"

	"github.com/coder/websocket"

	"github.com/molva-ws/molva/bench/internal/peer"
)

type message struct {
	kind websocket.MessageType
	data []byte
}

type server struct {
	peer.Options
	hub peer.Hub[message]
}

func main() {
	s := &server{Options: peer.Parse()}
	log.Fatal(http.Serve(s.MustListen(), s))
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	options := &websocket.AcceptOptions{
		InsecureSkipVerify: true, // of the origin
		CompressionMode:    websocket.CompressionDisabled,
	}
	if s.Compress {
		options.CompressionMode = websocket.CompressionNoContextTakeover
	}
	c, err := websocket.Accept(w, r, options)
	if err != nil {
		return
	}
	defer c.CloseNow()
	c.SetReadLimit(-1)
	ctx := context.Background()
	send := func(kind websocket.MessageType, data []byte) error { return c.Write(ctx, kind, data) }
	if s.Broadcast {
		queue := s.hub.Join()
		defer s.hub.Leave(queue)
		go write(ctx, c, queue)
		send = s.publish
	}
	var in bytes.Buffer
	for {
		kind, reader, err := c.Reader(ctx)
		if err != nil {
			return
		}
		in.Reset()
		if _, err := in.ReadFrom(reader); err != nil {
			return
		}
		if err := send(kind, in.Bytes()); err != nil {
			return
		}
	}
}

func (s *server) publish(kind websocket.MessageType, data []byte) error {
	s.hub.Publish(message{kind, bytes.Clone(data)})
	return nil
}

func write(ctx context.Context, c *websocket.Conn, queue <-chan message) {
	defer c.CloseNow()
	for m := range queue {
		if err := c.Write(ctx, m.kind, m.data); err != nil {
			return
		}
	}
}
