// Command molva is an echo and a broadcast on this repository's own library, with its defaults but for larger limits, no
// keepalive and more patience with handshakes, as the other peers have none of these. -engine says which of its three
// forms is measured.
package main

import (
	"context"
	"flag"
	"log"
	"net/http"

	"github.com/molva-ws/molva"

	"github.com/molva-ws/molva/bench/internal/peer"
)

const largestMessage = 64 << 20

func main() {
	engine := flag.String("engine", "loop", "loop (Server on event loops), portable (Server with goroutines) or accept (Accept)")
	o := peer.Parse()
	srv := newServer(o)
	switch *engine {
	case "loop":
		log.Fatal(srv.ListenAndServe(o.Addr))
	case "portable":
		srv.Engine = molva.EnginePortable
		log.Fatal(srv.Serve(o.MustListen()))
	case "accept":
		log.Fatal(http.Serve(o.MustListen(), accept(srv)))
	default:
		log.Fatalf("-engine %s is neither loop nor portable nor accept", *engine)
	}
}

func newServer(o peer.Options) *molva.Server {
	srv := &molva.Server{
		Origins:     []string{"*"},
		Limits:      molva.Limits{Message: largestMessage, Outbox: 2 * largestMessage},
		Timeouts:    molva.Timeouts{Handshake: -1, Ping: -1, Pong: -1},
		Compression: molva.Compression{Enabled: o.Compress, MinSize: -1},
		ReusePort:   o.ReusePort,
		OnMessage:   func(c *molva.Conn, m molva.Message) { c.Write(context.Background(), m) },
	}
	if o.Broadcast {
		srv.OnMessage = func(_ *molva.Conn, m molva.Message) { srv.Broadcast(m) }
	}
	return srv
}

// accept serves a connection on a goroutine of its own, so that net/http can free what it holds for the request.
func accept(srv *molva.Server) http.HandlerFunc {
	opts := &molva.AcceptOptions{
		Origins:     srv.Origins,
		Limits:      srv.Limits,
		Timeouts:    srv.Timeouts,
		Compression: srv.Compression,
		Server:      srv,
	}
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := molva.Accept(w, r, opts)
		if err != nil {
			return
		}
		go func() {
			defer c.CloseNow()
			for m, err := range c.Messages(context.Background()) {
				if err != nil {
					return
				}
				srv.OnMessage(c, m)
			}
		}()
	}
}
