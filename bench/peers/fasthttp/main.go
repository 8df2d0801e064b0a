// Command fasthttp is an echo and a broadcast on github.com/fasthttp/websocket.
//
// It is a fork of gorilla/websocket on the server of valyala/fasthttp and has the same documentation on speed, which
// is followed here as it is there: buffers as large as the usual message, a pool of write buffers, NextReader into a
// buffer of the connection's own, and the broadcast of its chat example (_examples/chat) with a PreparedMessage.
// ReduceMemoryUsage of fasthttp stays off, as its documentation says that it costs processor time.
package main

import (
	"bytes"
	"log"
	"sync"

	"github.com/fasthttp/websocket"
	"github.com/valyala/fasthttp"

	"github.com/molva-ws/molva/bench/internal/peer"
)

type server struct {
	peer.Options
	upgrader websocket.FastHTTPUpgrader
	hub      peer.Hub[*websocket.PreparedMessage]
}

func main() {
	s := &server{Options: peer.Parse()}
	s.upgrader = websocket.FastHTTPUpgrader{
		ReadBufferSize:    4096,
		WriteBufferSize:   4096,
		WriteBufferPool:   &sync.Pool{},
		CheckOrigin:       func(*fasthttp.RequestCtx) bool { return true },
		EnableCompression: s.Compress,
	}
	log.Fatal(fasthttp.Serve(s.MustListen(), func(ctx *fasthttp.RequestCtx) {
		s.upgrader.Upgrade(ctx, s.serve) // which answers the client if it fails
	}))
}

func (s *server) serve(c *websocket.Conn) {
	defer c.Close()
	c.SetCompressionLevel(peer.Level)
	send := c.WriteMessage
	if s.Broadcast {
		queue := s.hub.Join()
		var writer sync.WaitGroup
		writer.Go(func() { write(c, queue) })
		defer writer.Wait() // fasthttp takes the connection back when serve returns
		defer c.Close()     // so that no write waits
		defer s.hub.Leave(queue)
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
