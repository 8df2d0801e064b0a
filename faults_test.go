package molva_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/molva-ws/molva"
)

// reset ends a connection by a TCP reset.
func (p *peer) reset() {
	p.conn.(*net.TCPConn).SetLinger(0)
	p.conn.Close()
}

func TestResetInMidFrame(t *testing.T) {
	whole := binaryFrame(make([]byte, 100<<10))
	tests := []struct {
		name string
		sent int // of the frame's bytes
	}{
		{"in the header", 1},
		{"in the length", 5},
		{"in the masking key", 12},
		{"in the payload", 1000},
		{"before the last byte", 14 + 100<<10 - 1},
	}
	forEngines(t, func(t *testing.T, e molva.Engine) {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				closed := make(chan error, 2)
				srv := &molva.Server{
					Engine:    e,
					OnMessage: func(_ *molva.Conn, m molva.Message) { t.Errorf("a message of %d bytes came", len(m.Data)) },
					OnClose:   func(_ *molva.Conn, err error) { closed <- err },
				}
				p := dialPeer(t, start(t, srv), config{})
				p.write(p.encode(whole)[:test.sent], 0)
				p.reset()
				wantEnd(t, got(t, closed, "OnClose"), molva.CloseAbnormal, true)
				if !within(peerPatience, func() bool { return srv.Stats().Conns == 0 }) {
					t.Errorf("%d connections are open", srv.Stats().Conns)
				}
				if len(closed) > 0 {
					t.Error("OnClose came twice")
				}
			})
		}
	})
}

// TestHalfOpenPeerIsFoundByPing has a peer from which nothing comes any more, though its socket is open: to the server
// it looks like one whose cable was cut. The other one answers pings and must stay.
func TestHalfOpenPeerIsFoundByPing(t *testing.T) {
	const ping, pong = 500 * time.Millisecond, 3 * time.Second // the other one may need a while for its answer
	forEngines(t, func(t *testing.T, e molva.Engine) {
		t.Parallel()
		closed := make(chan error, 2)
		addr := start(t, &molva.Server{
			Engine:    e,
			Timeouts:  molva.Timeouts{Ping: ping, Pong: pong},
			OnMessage: answer,
			OnClose:   func(_ *molva.Conn, err error) { closed <- err },
		})
		alive := dial(t, addr, nil)
		answering := alive.CloseRead(inTime(t)) // reads, and so answers
		opened := time.Now()
		dialPeer(t, addr, config{})
		if err := got(t, closed, "OnClose"); !errors.Is(err, molva.ErrTimeout) {
			t.Errorf("OnClose got %v", err)
		}
		took := time.Since(opened)
		t.Logf("found after %v; ping %v, pong %v", took.Round(time.Millisecond), ping, pong)
		if took < pong-ping || took > pong+peerPatience/2 {
			t.Errorf("found after %v", took)
		}
		if err := answering.Err(); err != nil {
			t.Errorf("the peer that answers was closed: %v", alive.Err())
		}
	})
}

// TestHandshakeThatTrickles has a client that sends a byte now and then: each of them is progress, all of them
// together must not take longer than Timeouts.Handshake.
func TestHandshakeThatTrickles(t *testing.T) {
	const limit = 200 * time.Millisecond
	forEngines(t, func(t *testing.T, e molva.Engine) {
		srv := &molva.Server{
			Engine:   e,
			Timeouts: molva.Timeouts{Handshake: limit},
			OnOpen:   func(*molva.Conn) { t.Error("a connection was opened") },
		}
		addr, opened := start(t, srv), time.Now()
		nc, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		nc.SetDeadline(time.Now().Add(peerPatience))
		go trickle(nc, "GET / HTTP/1.1\r\nHost: x\r\nX-Filler: "+strings.Repeat("x", 8<<10))
		answer, err := io.ReadAll(nc)
		took := time.Since(opened)
		t.Logf("cut after %v, told %.30q, %v", took.Round(time.Millisecond), answer, err)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("the connection is still open")
		}
		if took < limit/2 || took > limit+peerPatience/2 {
			t.Errorf("cut after %v, the limit is %v", took, limit)
		}
		wantStats(t, srv, func(s molva.Stats) bool { return s.Refused.Timeout == 1 })
	})
}

// trickle sends bytes one at a time until the other end has had enough.
func trickle(nc net.Conn, head string) {
	ticks := time.NewTicker(10 * time.Millisecond)
	defer ticks.Stop()
	for i := range len(head) {
		if _, err := io.WriteString(nc, head[i:i+1]); err != nil {
			return
		}
		<-ticks.C
	}
}

// endings are the ways in which clients leave.
var endings = []struct {
	name string
	end  func(p *peer)
}{
	{"closing handshake", func(p *peer) { p.close() }},
	{"end of file", func(p *peer) { p.conn.Close() }},
	{"reset", (*peer).reset},
	{"reset in mid-frame", func(p *peer) {
		p.write(p.encode(textFrame("left unfinished"))[:9], 0)
		p.reset()
	}},
}

// TestConnectionsComeAndGoWithoutGrowth opens and ends thousands of connections, a few at a time.
func TestConnectionsComeAndGoWithoutGrowth(t *testing.T) {
	cycles, atOnce := 5000, 16
	if testing.Short() || raceDetector {
		cycles = 500
	}
	forEngines(t, func(t *testing.T, e molva.Engine) {
		var opened, closed atomic.Int64
		srv := &molva.Server{
			Engine:    e,
			OnOpen:    func(*molva.Conn) { opened.Add(1) },
			OnMessage: answer,
			OnClose:   func(*molva.Conn, error) { closed.Add(1) },
		}
		addr := start(t, srv)
		comeAndGo(t, addr, 100, atOnce) // what is made once is made now
		settle(t, srv)
		goroutines, files := len(libraryGoroutines()), openFiles()

		begun, heap := time.Now(), watchHeap(t)
		comeAndGo(t, addr, cycles, atOnce)
		heap()
		t.Logf("%d connections in %v", cycles, time.Since(begun).Round(time.Millisecond))
		settle(t, srv)
		if !within(peerPatience, func() bool { return len(libraryGoroutines()) <= goroutines }) {
			t.Errorf("%d goroutines, %d before:\n%s", len(libraryGoroutines()), goroutines, strings.Join(libraryGoroutines(), "\n\n"))
		}
		if !within(peerPatience, func() bool { return openFiles() <= files }) {
			t.Errorf("%d descriptors are open, %d were before", openFiles(), files)
		}
		want := int64(cycles + 100)
		if opened.Load() != want || closed.Load() != want {
			t.Errorf("%d opened, %d closed, want %d", opened.Load(), closed.Load(), want)
		}
	})
}

// comeAndGo has so many clients connect, get an echo and leave.
func comeAndGo(t *testing.T, addr string, cycles, atOnce int) {
	var clients sync.WaitGroup
	turns := make(chan struct{}, atOnce)
	for i := range cycles {
		turns <- struct{}{}
		clients.Go(func() {
			defer func() { <-turns }()
			stay(t, addr, i)
		})
	}
	clients.Wait()
}

func stay(t *testing.T, addr string, i int) {
	ending := endings[i%len(endings)]
	t.Run(fmt.Sprintf("%d, %s", i, ending.name), func(t *testing.T) {
		p := dialPeer(t, addr, config{})
		p.send(textFrame("hello"))
		p.want(textFrame("hello"))
		ending.end(p)
	})
}

// settle waits until the last connection has ended.
func settle(t *testing.T, srv *molva.Server) {
	t.Helper()
	if !within(peerPatience, func() bool { return srv.Stats().Conns == 0 }) {
		t.Errorf("%d connections are open", srv.Stats().Conns)
	}
}
