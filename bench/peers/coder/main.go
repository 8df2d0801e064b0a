// Command coder is a WebSocket echo on github.com/coder/websocket.
//
// Set up as its documentation advises for speed: compression off (the default),
// a context without deadline so that no timer is armed per message, and Reader
// with a reused buffer in place of Read, which allocates for each message.
package main

import (
	"bytes"
	"context"
	"flag"
	"log"
	"net/http"

	"github.com/coder/websocket"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:9001", "address to listen on")
	flag.Parse()
	log.Fatal(http.ListenAndServe(*addr, http.HandlerFunc(serve)))
}

func serve(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		InsecureSkipVerify: true, // of the origin
		CompressionMode:    websocket.CompressionDisabled,
	})
	if err != nil {
		return
	}
	defer c.CloseNow()
	c.SetReadLimit(-1)
	ctx := context.Background()
	var message bytes.Buffer
	for {
		kind, reader, err := c.Reader(ctx)
		if err != nil {
			return
		}
		message.Reset()
		if _, err := message.ReadFrom(reader); err != nil {
			return
		}
		if err := c.Write(ctx, kind, message.Bytes()); err != nil {
			return
		}
	}
}
