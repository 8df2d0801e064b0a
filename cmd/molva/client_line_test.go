//go:build browser && unix

package main

import (
	"net"
	"strings"
	"sync"
	"testing"
)

// line is a network between a client and a server. What is on it while it is cut is neither carried nor refused, as
// when a cable is pulled, and comes when it is mended.
type line struct {
	net.Listener
	server string
	up     sync.RWMutex // locked while it is cut
	ends   sync.WaitGroup
}

func newLine(t *testing.T, url string) *line {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &line{Listener: l, server: strings.TrimPrefix(url, "http://")}
	n.ends.Go(n.accept)
	t.Cleanup(func() {
		l.Close()
		n.ends.Wait()
	})
	return n
}

func (l *line) url() string { return "http://" + l.Addr().String() }

func (l *line) accept() {
	var all []net.Conn
	for {
		client, err := l.Accept()
		if err != nil {
			break
		}
		server, err := net.Dial("tcp", l.server)
		if err != nil {
			client.Close()
			continue
		}
		all = append(all, client, server)
		l.ends.Go(func() { l.carry(client, server) })
		l.ends.Go(func() { l.carry(server, client) })
	}
	for _, nc := range all {
		nc.Close()
	}
}

// carry takes to one end what comes from the other.
func (l *line) carry(from, to net.Conn) {
	defer to.Close()
	defer from.Close()
	p := make([]byte, 4<<10)
	for {
		n, err := from.Read(p)
		l.up.RLock()
		if err == nil {
			_, err = to.Write(p[:n])
		}
		l.up.RUnlock()
		if err != nil {
			return
		}
	}
}
