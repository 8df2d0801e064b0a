//go:build linux

// Command rawecho is the limit the others are measured against: a TCP echo on
// epoll with no protocol at all, one loop for each GOMAXPROCS. Whatever a
// WebSocket server does per message comes on top of this.
package main

import (
	"flag"
	"fmt"
	"log"
	"net/netip"
	"os"
	"runtime"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:9001", "address to listen on")
	broadcast := flag.Bool("broadcast", false, "send what comes in to every connection, on one loop")
	buffer := flag.Int("buffer", 128<<10, "bytes of each loop's read buffer")
	flag.Parse()
	if err := run(*addr, *broadcast, *buffer); err != nil {
		fmt.Fprintln(os.Stderr, "rawecho:", err)
		os.Exit(1)
	}
}

func run(addr string, broadcast bool, buffer int) error {
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		return err
	}
	loops := runtime.GOMAXPROCS(0)
	if broadcast {
		loops = 1
	}
	ended := make(chan error)
	for range loops {
		l, err := newLoop(at, buffer)
		if err != nil {
			return err
		}
		l.broadcast = broadcast
		go func() { ended <- l.run() }()
	}
	log.Printf("raw TCP echo on %v, %d loops", at, loops)
	return <-ended
}
