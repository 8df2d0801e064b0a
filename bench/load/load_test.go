//go:build linux

package main

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/molva-ws/molva/bench/internal/client"
	"github.com/molva-ws/molva/bench/internal/traffic"
)

// fault is what a server does wrong: given the frame it ought to send as its nth
// answer, it returns what it does send.
type fault func(n int, frame []byte) [][]byte

// at spoils one message, well after the first.
func at(spoil func(frame []byte) [][]byte) fault {
	return func(n int, frame []byte) [][]byte {
		if n != 500 {
			return [][]byte{frame}
		}
		return spoil(frame)
	}
}

// listen starts a server that has each connection served by one goroutine.
func listen(t *testing.T, serve func(net.Conn, *bufio.Reader)) netip.AddrPort {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				serve(conn, bufio.NewReader(conn))
			}()
		}
	}()
	return netip.MustParseAddrPort(listener.Addr().String())
}

// echoServer has a fault in every connection.
func echoServer(t *testing.T, raw bool, newFault func() fault) netip.AddrPort {
	return listen(t, func(conn net.Conn, r *bufio.Reader) {
		if raw || upgrade(conn, r) == nil {
			echoFrames(conn, r, raw, newFault())
		}
	})
}

func upgrade(w io.Writer, r *bufio.Reader) error {
	request, err := http.ReadRequest(r)
	if err != nil {
		return err
	}
	sum := sha1.Sum([]byte(request.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	_, err = fmt.Fprintf(w, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:]))
	return err
}

// echoFrames answers frame by frame, and pongs not at all.
func echoFrames(w io.Writer, r *bufio.Reader, raw bool, f fault) {
	for n := 0; ; {
		frame, err := ws.ReadFrame(r)
		if err != nil {
			return
		}
		if frame.Header.OpCode == ws.OpPong {
			continue
		}
		if !raw {
			frame = ws.UnmaskFrame(frame)
		}
		for _, answer := range f(n, ws.MustCompileFrame(frame)) {
			if _, err := w.Write(answer); err != nil {
				return
			}
		}
		n++
	}
}

func run(t *testing.T, addr netip.AddrPort, args ...string) (*Result, error) {
	t.Helper()
	c, _, err := parseFlags(append([]string{"-addr", addr.String(), "-warmup", "0s", "-limit", "2s",
		"-pid", fmt.Sprint(os.Getpid())}, args...))
	if err != nil {
		t.Fatal(err)
	}
	return c.run()
}

func faultless() fault { return func(_ int, frame []byte) [][]byte { return [][]byte{frame} } }

func TestFaultlessServerPasses(t *testing.T) {
	for name, args := range map[string][]string{
		"one in flight": {"-messages", "5000"},
		"sixteen":       {"-messages", "20000", "-inflight", "16", "-text"},
		"raw":           {"-messages", "5000", "-raw"},
		"large":         {"-messages", "100", "-size", "300000", "-conns", "4", "-inflight", "8"},
		"empty":         {"-messages", "5000", "-size", "0"},
		"idle":          {"-mode", "idle", "-hold", "1ms"},
		"source":        {"-messages", "100", "-source", "127.0.0.2"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := run(t, echoServer(t, name == "raw", faultless), append([]string{"-conns", "10"}, args...)...)
			if err != nil {
				t.Fatal(err)
			}
			if r.Messages == 0 || r.ServerRSS == 0 {
				t.Fatalf("%+v", r)
			}
		})
	}
}

func TestOneFaultFailsTheRun(t *testing.T) {
	var mismatch *traffic.Mismatch
	is := func(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }
	asMismatch := func(err error) bool { return errors.As(err, &mismatch) }
	for name, c := range map[string]struct {
		newFault func() fault
		noticed  func(error) bool
	}{
		"drop": {func() fault {
			return at(func([]byte) [][]byte { return nil })
		}, asMismatch},
		"duplicate": {func() fault {
			return at(func(frame []byte) [][]byte { return [][]byte{frame, frame} })
		}, asMismatch},
		"corrupt": {func() fault {
			return at(func(frame []byte) [][]byte { frame[len(frame)-1] ^= 1; return [][]byte{frame} })
		}, asMismatch},
		"reorder": {reorder, asMismatch},
		"truncate": {func() fault {
			return at(func(frame []byte) [][]byte { return [][]byte{frame[:len(frame)-1]} })
		}, asMismatch},
		"stop": {func() fault {
			return func(n int, frame []byte) [][]byte {
				if n >= 500 {
					return nil
				}
				return [][]byte{frame}
			}
		}, is(client.ErrIncomplete)},
		"close": {func() fault {
			return at(func([]byte) [][]byte { return [][]byte{{0x88, 2, 0x03, 0xe9}} })
		}, is(client.ErrClosed)},
		"broken control frame": {func() fault {
			return at(func([]byte) [][]byte { return [][]byte{{0x89, 126, 0, 200}} })
		}, is(client.ErrFrame)},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := run(t, echoServer(t, false, c.newFault), "-conns", "3", "-inflight", "4", "-duration", "500ms")
			if !c.noticed(err) {
				t.Fatalf("noticed as: %v", err)
			}
		})
	}
}

// reorder sends one message after the one that followed it.
func reorder() fault {
	var held []byte
	return func(n int, frame []byte) [][]byte {
		switch n {
		case 500:
			held = frame
			return nil
		case 501:
			return [][]byte{frame, held}
		}
		return [][]byte{frame}
	}
}

func TestPingsAreAnsweredBetweenMessages(t *testing.T) {
	ping := ws.MustCompileFrame(ws.NewPingFrame([]byte("are you there")))
	addr := echoServer(t, false, func() fault {
		return func(n int, frame []byte) [][]byte {
			return [][]byte{ping[:1], ping[1:], frame, ping}
		}
	})
	// The echo above reads frames: a pong inside a message would break it.
	if _, err := run(t, addr, "-conns", "5", "-inflight", "3", "-messages", "300", "-size", "200000"); err != nil {
		t.Fatal(err)
	}
}

// broadcastServer sends the frames of every connection to all, but for those
// that skip says a receiver does not get.
func broadcastServer(t *testing.T, skip func(receiver, n int) bool) netip.AddrPort {
	var all struct {
		sync.Mutex
		conns []net.Conn
		n     int
	}
	return listen(t, func(conn net.Conn, r *bufio.Reader) {
		all.Lock()
		all.conns = append(all.conns, conn)
		all.Unlock()
		if upgrade(conn, r) != nil {
			return
		}
		echoFrames(io.Discard, r, false, func(_ int, frame []byte) [][]byte {
			all.Lock()
			defer all.Unlock()
			for receiver, c := range all.conns {
				if !skip(receiver, all.n) {
					c.Write(frame)
				}
			}
			all.n++
			return nil
		})
	})
}

func TestFanoutCountsEveryDelivery(t *testing.T) {
	for _, inflight := range []string{"1", "7"} {
		addr := broadcastServer(t, func(int, int) bool { return false })
		r, err := run(t, addr, "-mode", "fanout", "-conns", "20", "-messages", "5000", "-inflight", inflight)
		if err != nil {
			t.Fatal(err)
		}
		if r.Messages < 5000 {
			t.Fatalf("%+v", r)
		}
	}
}

func TestFanoutNoticesWhoWasLeftOut(t *testing.T) {
	for name, skip := range map[string]func(receiver, n int) bool{
		"of one message":  func(receiver, n int) bool { return receiver == 5 && n == 30 },
		"of all messages": func(receiver, n int) bool { return receiver == 5 },
	} {
		t.Run(name, func(t *testing.T) {
			_, err := run(t, broadcastServer(t, skip), "-mode", "fanout", "-conns", "10", "-duration", "300ms", "-inflight", "3")
			if err == nil {
				t.Fatal("not noticed")
			}
		})
	}
}

func TestRefusedHandshakeIsReported(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go http.Serve(listener, http.NotFoundHandler())
	t.Cleanup(func() { listener.Close() })
	_, err = run(t, netip.MustParseAddrPort(listener.Addr().String()))
	if !errors.Is(err, client.ErrHandshake) {
		t.Fatal(err)
	}
}

func TestWindowLeavesOutWhatWasBefore(t *testing.T) {
	r, err := run(t, echoServer(t, false, faultless), "-conns", "2", "-warmup", "300ms", "-duration", "100ms")
	if err != nil {
		t.Fatal(err)
	}
	if r.Seconds > 0.3 || float64(r.Messages) != r.MessagesPerSecond*r.Seconds || time.Duration(r.MaxMicros)*time.Microsecond > 300*time.Millisecond {
		t.Fatalf("%+v", r)
	}
}
