package molva_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime/metrics"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/wire"
)

const (
	goodPeers = 10

	// hostileHeap bounds what both ends of all these connections may add to the heap, garbage included. With the
	// limits below the worst that the peers could pile up is 1,000 times 192 KiB.
	hostileHeap = 128 << 20

	// hostilePatience is how long both ends wait for the other to read.
	hostilePatience = 300 * time.Millisecond
)

// hostilePeers is their number. The race detector makes each of them several times as expensive.
func hostilePeers() int {
	if raceDetector {
		return 240
	}
	return 1000
}

// attacks are what a hostile peer does once its connection is open. Errors do not matter to it.
var attacks = []struct {
	name   string
	attack func(p *peer)
}{
	{"reserved opcodes", func(p *peer) { p.try(frame{op: 3}, textFrame("and on")) }},
	{"random bytes", func(p *peer) { p.conn.Write(noise(rand.New(rand.NewPCG(1, 2)), 4096).payload) }},
	{"text that is not UTF-8", func(p *peer) { p.try(textFrame(strings.Repeat("ok", 100) + "\xff")) }},
	{"half a header, then silence", func(p *peer) { p.conn.Write([]byte{0x82}) }},
	{"half a message, then silence", func(p *peer) { p.try(binaryFrame(make([]byte, 32<<10)).missing(32 << 10)) }},
	{"huge declared length", func(p *peer) { p.try(binaryFrame(make([]byte, 1000)).missing(1 << 60)) }},
	{"reset in the middle of a frame", func(p *peer) {
		p.try(binaryFrame(make([]byte, 1000)).missing(1))
		p.conn.(*net.TCPConn).SetLinger(0)
		p.conn.Close()
	}},
	{"endless fragments", func(p *peer) { p.flood(64<<10, textFrame("").unfinished(), continuationFrame("x").unfinished()) }},
	{"flood of empty messages, never reading", func(p *peer) { p.flood(32<<10, textFrame(""), textFrame("")) }},
	{"flood of pings, never reading", func(p *peer) { p.flood(256<<10, pingFrame(""), pingFrame(strings.Repeat("?", 125))) }},
	{"large messages, never reading", func(p *peer) { p.flood(1<<20, textFrame(""), binaryFrame(make([]byte, 60000))) }},
	{"compressed bomb", func(p *peer) { p.try(bomb()) }},
}

// bomb inflates to 4 MiB.
var bomb = sync.OnceValue(func() frame {
	both := newCodec(agreement{serverBits: 15, clientBits: 15}, wire.Client)
	return both.compress(binaryFrame(make([]byte, 4<<20)))
})

// try sends frames to a peer that may not be there.
func (p *peer) try(frames ...frame) { p.conn.Write(p.encode(frames...)) }

// flood sends a frame, and then another one again and again, size bytes in all unless the other end has had enough or
// takes no more for a while. It leaves little room for what comes back.
func (p *peer) flood(size int, first, again frame) {
	p.conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	p.try(first)
	many := p.encode(again)
	many = bytes.Repeat(many, max(1, 1000/len(many)))
	for ; size > 0; size -= len(many) {
		p.conn.SetWriteDeadline(time.Now().Add(hostilePatience))
		if _, err := p.conn.Write(many); err != nil {
			return
		}
	}
}

// TestHostileConnections has 1,000 connections of the worst manners open beside 10 good ones, which must not notice.
func TestHostileConnections(t *testing.T) {
	for _, e := range engines {
		if e.serve == nil {
			continue
		}
		t.Run(e.name, func(t *testing.T) {
			files := openFiles()
			t.Run("attacked", func(t *testing.T) { attack(t, e) })
			if !within(peerPatience, func() bool { return len(libraryGoroutines()) == 0 }) {
				t.Errorf("goroutines left behind:\n\n%s", strings.Join(libraryGoroutines(), "\n\n"))
			}
			if !within(peerPatience, func() bool { return openFiles() <= files }) {
				t.Errorf("%d descriptors are open, %d were before", openFiles(), files)
			}
		})
	}
}

// attack keeps all hostile connections open until the good ones have had their echoes.
func attack(t *testing.T, e engine) {
	cfg := config{
		limits:      molva.Limits{Message: 64 << 10, Outbox: 64 << 10},
		timeouts:    molva.Timeouts{Write: hostilePatience, Close: hostilePatience},
		compression: molva.Compression{Enabled: true},
		extensions:  "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e.serve(t, l, cfg)

	heap := watchHeap(t)
	attacked := make(chan struct{})
	var attackers, good sync.WaitGroup
	for i := range goodPeers {
		good.Go(func() { echoUntil(t, attacked, l.Addr().String(), i) })
	}
	for i := range hostilePeers() {
		p := dialPeer(t, l.Addr().String(), cfg)
		attackers.Go(func() { attacks[i%len(attacks)].attack(p) })
	}
	attackers.Wait()
	close(attacked)
	good.Wait()
	if grown := heap(); grown > hostileHeap {
		t.Errorf("heap has grown by %d MiB, allowed are %d", grown>>20, hostileHeap>>20)
	}
}

// echoUntil is a good client: it checks echo after echo until the channel is closed, and then a hundred more.
func echoUntil(t *testing.T, attacked <-chan struct{}, addr string, id int) {
	ctx, cancel := context.WithTimeout(context.Background(), peerPatience)
	defer cancel()
	c, _, err := molva.Dial(ctx, "ws://"+addr+"/echo", &molva.DialOptions{
		Compression: molva.Compression{Enabled: id%2 == 0},
		Timeouts:    molva.Timeouts{Handshake: peerPatience, Close: peerPatience},
	})
	if err != nil {
		t.Errorf("good client %d: %v", id, err)
		return
	}
	defer c.CloseNow()
	random := rand.New(rand.NewPCG(3, uint64(id)))
	for left := 100; left > 0; {
		select {
		case <-attacked:
			left--
		default:
		}
		if err := echoOnce(c, prose(random, random.IntN(10000))); err != nil {
			t.Errorf("good client %d: %v", id, err)
			return
		}
	}
	if err := c.Close(molva.CloseNormal, ""); err != nil {
		t.Errorf("good client %d: closing: %v", id, err)
	}
}

// echoOnce wants one echo. Each has its own time: how many there are, and so how long all of them take, is up to the
// machine.
func echoOnce(c *molva.Conn, sent frame) error {
	ctx, cancel := context.WithTimeout(context.Background(), peerPatience)
	defer cancel()
	if err := c.Write(ctx, molva.Message{Type: molva.TypeText, Data: sent.payload}); err != nil {
		return fmt.Errorf("sending %v: %w", sent, err)
	}
	m, err := c.Read(ctx)
	if err != nil {
		return fmt.Errorf("after sending %v: %w", sent, err)
	}
	if m.Type != molva.TypeText || !bytes.Equal(m.Data, sent.payload) {
		return fmt.Errorf("sent %v, got %v of %d bytes", sent, m.Type, len(m.Data))
	}
	return nil
}

// watchHeap looks at the heap from time to time until the function it returns is called, which tells by how many
// bytes it had grown at most.
func watchHeap(t *testing.T) (grown func() int64) {
	heap := func() int64 {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(sample)
		return int64(sample[0].Value.Uint64())
	}
	start, most := heap(), int64(0)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		ticks := time.NewTicker(10 * time.Millisecond)
		defer ticks.Stop()
		for {
			select {
			case <-stop:
				return
			case <-ticks.C:
				most = max(most, heap()-start)
			}
		}
	}()
	return func() int64 {
		close(stop)
		<-stopped
		t.Logf("heap grew by %.1f MiB at most", float64(most)/(1<<20))
		return most
	}
}

// TestUnfinishedHandshakes has peers that never finish, or never begin, their opening handshake.
func TestUnfinishedHandshakes(t *testing.T) {
	for name, driver := range map[string]molva.Engine{"event loop": molva.EngineAuto, "portable": molva.EnginePortable} {
		for _, head := range []string{"", "G", "GET /echo HTTP/1.1\r\nHost: x\r\nUpgrade: webso", "\x00\xff\xfe"} {
			t.Run(fmt.Sprintf("%s, %.20q", name, head), func(t *testing.T) {
				t.Parallel()
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					t.Fatal(err)
				}
				cfg := config{timeouts: molva.Timeouts{Handshake: 100 * time.Millisecond}}
				serveOwnPort(driver)(t, l, cfg)

				nc, err := net.Dial("tcp", l.Addr().String())
				if err != nil {
					t.Fatal(err)
				}
				defer nc.Close()
				nc.SetDeadline(time.Now().Add(peerPatience))
				io.WriteString(nc, head)
				if _, err := io.Copy(io.Discard, nc); errors.Is(err, os.ErrDeadlineExceeded) {
					t.Error("the connection is still open")
				}
			})
		}
	}
}
