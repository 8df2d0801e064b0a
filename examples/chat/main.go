// Chat is a chat room on one page: names, who is here, what was said before you came, and a way back when the network
// goes. Run it and open the address it prints in two tabs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/molva-ws/molva"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8000", "`address` to listen on")
	flag.Parse()

	l, err := net.Listen("tcp", *addr)
	if err != nil {
		fmt.Fprintf(os.Stderr, "chat: %v\nIf another program has this port, choose your own: -addr 127.0.0.1:8001, or -addr 127.0.0.1:0 for any that is free.\n", err)
		os.Exit(1)
	}
	fmt.Printf("The chat is at %s\n", pageURL(l.Addr()))
	if err := serve(l); err != nil {
		fmt.Fprintf(os.Stderr, "chat: %v\n", err)
		os.Exit(1)
	}
}

// serve runs the chat until the process is told to stop. Clients then see 1001 and come back when there is a new one.
func serve(l net.Listener) error {
	stopping, release := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer release()
	srv := newServer(graceToReturn)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()

	select {
	case err := <-served:
		return err
	case <-stopping.Done():
	}
	release() // a second signal ends the process at once
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		return fmt.Errorf("stopped before everyone was told: %w", err)
	}
	if err := <-served; !errors.Is(err, molva.ErrServerClosed) {
		return err
	}
	return nil
}

// pageURL is where a browser on this machine finds what listens on addr.
func pageURL(addr net.Addr) string {
	host, port, _ := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}
