//go:build browser

package main

import (
	"io"
	"net"
	"sync"
	"testing"
)

// line is a TCP connection to a server as a network makes it: it can be cut, and later mended.
type line struct {
	listener net.Listener
	server   string

	mu      sync.Mutex
	broken  bool
	stalled bool
	ends    map[net.Conn]struct{}
}

func newLine(t *testing.T, server string) *line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{listener: listener, server: server, ends: make(map[net.Conn]struct{})}
	go l.serve()
	t.Cleanup(func() { listener.Close(); l.cut() })
	return l
}

func (l *line) addr() string { return l.listener.Addr().String() }

// cut drops all connections and refuses new ones.
func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken, l.stalled = true, false
	for end := range l.ends {
		end.Close()
	}
	clear(l.ends)
}

// stall keeps the connections open but loses all that is sent on them from now on.
func (l *line) stall() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stalled = true
}

// mend lets new connections through.
func (l *line) mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = false
}

func (l *line) serve() {
	for {
		near, err := l.listener.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", l.server)
		if err != nil || !l.connect(near, far) {
			near.Close()
			continue
		}
		go l.carry(near, far)
		go l.carry(far, near)
	}
}

func (l *line) connect(near, far net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken {
		far.Close()
		return false
	}
	l.ends[near], l.ends[far] = struct{}{}, struct{}{}
	return true
}

func (l *line) carry(to, from net.Conn) {
	io.Copy(lossy{to, l}, from)
	to.Close()
}

// lossy writes to a connection unless the line is stalled.
type lossy struct {
	net.Conn
	line *line
}

func (w lossy) Write(p []byte) (int, error) {
	w.line.mu.Lock()
	stalled := w.line.stalled
	w.line.mu.Unlock()
	if stalled {
		return len(p), nil
	}
	return w.Conn.Write(p)
}
