// Package freeaddr finds addresses for the servers that tests start as processes of their own.
package freeaddr

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// These ports are none of those that the system gives to whoever asks for any, so that nobody is given one meanwhile.
const (
	firstPort = 20_000
	ports     = 10_000
)

// Get returns an address of this machine on which nobody listens just now.
func Get(t testing.TB) string {
	t.Helper()
	for range 100 {
		if l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", firstPort+rand.IntN(ports))); err == nil {
			l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no port is free")
	return ""
}
