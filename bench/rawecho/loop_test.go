//go:build linux

package main

import (
	"bytes"
	"crypto/rand"
	"io"
	"net"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"
)

// start runs a loop for the rest of the test binary's life.
func start(t *testing.T, broadcast bool) string {
	t.Helper()
	l, err := newLoop(netip.MustParseAddrPort("127.0.0.1:0"), 64<<10)
	if err != nil {
		t.Fatal(err)
	}
	l.broadcast = broadcast
	name, err := unix.Getsockname(l.listener)
	if err != nil {
		t.Fatal(err)
	}
	go l.run()
	return netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(name.(*unix.SockaddrInet4).Port)).String()
}

func dial(t *testing.T, addr string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*net.TCPConn)
}

func expect(t *testing.T, c net.Conn, want []byte) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%d bytes came back differently, error %v", len(want), err)
	}
}

func TestEcho(t *testing.T) {
	addr := start(t, false)
	for _, size := range []int{1, 128, 64<<10 - 1, 64 << 10, 64<<10 + 1, 8 << 20} {
		sent := make([]byte, size)
		rand.Read(sent)
		c := dial(t, addr)
		go c.Write(sent) // 8 MiB fill every buffer on the way before reading begins
		expect(t, c, sent)
	}
}

func TestHangupAfterDataClosesAfterTheAnswer(t *testing.T) {
	c := dial(t, start(t, false))
	if _, err := c.Write([]byte("last words")); err != nil {
		t.Fatal(err)
	}
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if all, err := io.ReadAll(c); err != nil || string(all) != "last words" {
		t.Fatalf("%q, %v", all, err)
	}
}

func TestBroadcastReachesAll(t *testing.T) {
	addr := start(t, true)
	var conns []net.Conn
	for _, word := range []string{"one", "two", "three"} {
		c := dial(t, addr)
		conns = append(conns, c)
		if _, err := c.Write([]byte(word)); err != nil {
			t.Fatal(err)
		}
		for _, c := range conns {
			expect(t, c, []byte(word))
		}
	}
}
