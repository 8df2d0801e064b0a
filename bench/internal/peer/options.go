//go:build linux

// Package peer is what the servers under peers have in common beside the library they show: their flags, and for
// those whose documentation has a queue and a writing goroutine per connection, the hub between them.
package peer

import (
	"context"
	"flag"
	"log"
	"net"
	"net/http"
	"syscall"

	"golang.org/x/sys/unix"
)

// Options are the flags of every peer.
type Options struct {
	Addr      string
	Broadcast bool // each message goes to all connections; otherwise back to its sender
	Compress  bool // accept permessage-deflate without context takeover, and compress what is sent
	ReusePort bool // share the port with other processes
}

// Parse reads the flags of the command line.
func Parse() Options {
	var o Options
	flag.StringVar(&o.Addr, "addr", "127.0.0.1:9001", "`address` to listen on")
	flag.BoolVar(&o.Broadcast, "broadcast", false, "send each message to all connections")
	flag.BoolVar(&o.Compress, "compress", false, "accept permessage-deflate")
	flag.BoolVar(&o.ReusePort, "reuseport", false, "share the port with other processes")
	flag.Parse()
	return o
}

// Level is the compression level of every peer that lets one choose: the quickest, which all of their documentations
// advise for messages made on the fly.
const Level = 1

// AnyOrigin admits every page.
func AnyOrigin(*http.Request) bool { return true }

// Listen listens on the address.
func (o Options) Listen() (net.Listener, error) {
	var config net.ListenConfig
	if o.ReusePort {
		config.Control = reusePort
	}
	return config.Listen(context.Background(), "tcp", o.Addr)
}

func reusePort(_, _ string, socket syscall.RawConn) error {
	var failed error
	err := socket.Control(func(fd uintptr) {
		failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	})
	if err != nil {
		return err
	}
	return failed
}

// MustListen is Listen for a main function: it ends the program if that fails.
func (o Options) MustListen() net.Listener {
	l, err := o.Listen()
	if err != nil {
		log.Fatal(err)
	}
	return l
}
