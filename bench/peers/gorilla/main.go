// Command gorilla is a WebSocket echo on github.com/gorilla/websocket.
//
// Set up as its documentation advises for speed: buffers as large as the usual
// message, a pool of write buffers, compression off; WriteMessage, which on an
// uncompressed server connection sends without an intermediate copy. Reading
// goes through NextReader into a buffer of the connection's own, which spares
// the allocation ReadMessage makes for each message.
package main

import (
	"bytes"
	"flag"
	"log"
	"net/http"
	"sync"

	"github.com/gorilla/websocket"
)

var upgrader = websocket.Upgrader{
	ReadBufferSize:  4096,
	WriteBufferSize: 4096,
	WriteBufferPool: &sync.Pool{},
	CheckOrigin:     func(*http.Request) bool { return true },
}

func main() {
	addr := flag.String("addr", "127.0.0.1:9001", "address to listen on")
	flag.Parse()
	log.Fatal(http.ListenAndServe(*addr, http.HandlerFunc(serve)))
}

func serve(w http.ResponseWriter, r *http.Request) {
	c, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer c.Close()
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
		if err := c.WriteMessage(kind, message.Bytes()); err != nil {
			return
		}
	}
}
