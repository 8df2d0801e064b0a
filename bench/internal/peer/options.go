// Package peer is what the servers under peers have in common beside the library they show: their flags, and for
// those whose documentation has a queue and a writing goroutine per connection, the hub between them.
package peer

import (
	"flag"
	"net/http"
)

// Options are the flags of every peer.
type Options struct {
	Addr      string
	Broadcast bool // each message goes to all connections; otherwise back to its sender
	Compress  bool // accept permessage-deflate without context takeover, and compress what is sent
}

// Parse reads the flags of the command line.
func Parse() Options {
	var o Options
	flag.StringVar(&o.Addr, "addr", "127.0.0.1:9001", "`address` to listen on")
	flag.BoolVar(&o.Broadcast, "broadcast", false, "send each message to all connections")
	flag.BoolVar(&o.Compress, "compress", false, "accept permessage-deflate")
	flag.Parse()
	return o
}

// Level is the compression level of every peer that lets one choose: the quickest, which all of their documentations
// advise for messages made on the fly.
const Level = 1

// AnyOrigin admits every page.
func AnyOrigin(*http.Request) bool { return true }
