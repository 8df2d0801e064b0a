// Command gws is a WebSocket echo on github.com/lxzan/gws.
//
// Set up as its documentation advises for speed: its own listener in place of
// net/http, messages handled on the reading goroutine (ParallelEnabled off, the
// default), compression off, no UTF-8 check (the default), and each message
// given back to the library's pool after use.
package main

import (
	"flag"
	"log"

	"github.com/lxzan/gws"
)

type echo struct{ gws.BuiltinEventHandler }

func (echo) OnMessage(c *gws.Conn, m *gws.Message) {
	defer m.Close()
	_ = c.WriteMessage(m.Opcode, m.Bytes())
}

func (echo) OnPing(c *gws.Conn, payload []byte) { _ = c.WritePong(payload) }

func main() {
	addr := flag.String("addr", "127.0.0.1:9001", "address to listen on")
	flag.Parse()
	log.Fatal(gws.NewServer(echo{}, &gws.ServerOption{}).Run(*addr))
}
