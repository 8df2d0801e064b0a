// Echo sends every message back. Load generators and conformance suites are pointed at it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/molva-ws/molva"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:9001", "`address` to listen on; every path echoes")
	compress := flag.Bool("compress", false, "accept permessage-deflate")
	max := flag.Int64("max", 64<<20, "largest message in `bytes`")
	engine := flag.String("engine", "loop", "how connections are driven: loop (event loop, callbacks), portable (goroutines, callbacks)\nor accept (molva.Accept, a goroutine reads)")
	workers := flag.Int("workers", 0, "`number` of event loops; 0 means one per processor")
	reuse := flag.Bool("reuseport", false, "share the port with other processes")
	flag.Parse()

	srv := &molva.Server{
		Origins:     []string{"*"},
		Limits:      molva.Limits{Message: *max, Outbox: int(2 * *max)},
		Compression: molva.Compression{Enabled: *compress},
		OnMessage:   func(c *molva.Conn, m molva.Message) { c.Write(context.Background(), m) },
		Workers:     *workers,
		ReusePort:   *reuse,
	}
	serve := srv.ListenAndServe
	switch *engine {
	case "loop":
	case "portable":
		srv.Engine = molva.EnginePortable
	case "accept":
		serve = func(addr string) error { return http.ListenAndServe(addr, accept(srv)) }
	default:
		fmt.Fprintf(os.Stderr, "echo: unknown engine %q; choose loop, portable or accept\n", *engine)
		os.Exit(2)
	}

	go shutdownOnSignal(srv)
	fmt.Printf("echo on ws://%s\n", *addr)
	if err := serve(*addr); !errors.Is(err, molva.ErrServerClosed) {
		log.Fatal(err)
	}
	select {} // until shutdownOnSignal is done
}

// shutdownOnSignal ends the program in good order; a second signal ends it at once.
func shutdownOnSignal(srv *molva.Server) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	<-ctx.Done()
	stop()
	deadline, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := srv.Shutdown(deadline); err != nil {
		log.Fatal(err)
	}
	os.Exit(0)
}

// accept echoes on a goroutine of its own, so that net/http can free what it holds for the request.
func accept(srv *molva.Server) http.HandlerFunc {
	opts := &molva.AcceptOptions{Origins: srv.Origins, Limits: srv.Limits, Compression: srv.Compression, Server: srv}
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := molva.Accept(w, r, opts)
		if err != nil {
			return
		}
		go func() {
			for m, err := range c.Messages(context.Background()) {
				if err != nil || c.Write(context.Background(), m) != nil {
					break
				}
			}
			c.Close(molva.CloseNormal, "") // or, where Shutdown was first, lets it come to its end
		}()
	}
}
