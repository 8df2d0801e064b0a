package molva_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/wire"
)

// patientClosing has a server wait for its clients to close for as long as a test may take, where it waits at all.
var patientClosing = molva.Timeouts{Ping: -1, Pong: -1, Close: peerPatience}

// wantClosed wants the other end to have closed its socket whole, though this one has not.
func (p *peer) wantClosed() {
	p.Helper()
	var err error
	for i := 0; i < 10_000 && err == nil; i++ { // a busy system may bring the reset some writes later
		_, err = p.conn.Write(p.encode(pongFrame("")))
	}
	if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
		p.Errorf("writing to a closed socket: %v", err)
	}
}

// wantHalfClosed wants the other end to go on reading.
func (p *peer) wantHalfClosed() {
	p.Helper()
	for range 2 { // the first one would make the system of the other end say that the socket is closed
		if _, err := p.conn.Write(p.encode(pongFrame(""))); err != nil {
			p.Errorf("writing to a socket that is read from: %v", err)
		}
	}
}

// A server closes first (RFC 6455 §7.1.1), and does not keep a socket for a client that takes its time.
func TestServerClosesWithoutWaitingForTheClient(t *testing.T) {
	asked := closeFrame(4000, "as you wish")
	for _, e := range engines {
		if e.serve == nil {
			continue
		}
		t.Run(e.name, func(t *testing.T) {
			t.Run("closed by the client", func(t *testing.T) {
				p := e.connect(t, config{timeouts: patientClosing})
				p.send(textFrame("x"), closeFrame(1000, ""))
				p.want(textFrame("x"))
				p.wantClose(wire.NormalClosure)
				p.wantClosed()
			})
			t.Run("closed by the server", func(t *testing.T) {
				p := e.connect(t, config{timeouts: patientClosing})
				p.send(textFrame(askClose))
				p.want(asked)
				p.send(asked)
				p.wantEnd()
				p.wantClosed()
			})
		})
	}
}

// A client leaves it to the server to close first.
func TestClientWaitsForTheServerToClose(t *testing.T) {
	c, p := rawServer(t, &molva.DialOptions{Timeouts: patientClosing})
	ended := make(chan error, 1)
	go func() {
		_, err := c.Read(inTime(t))
		ended <- err
	}()
	p.close()
	p.wantHalfClosed()
	wantEnd(t, got(t, ended, "the end"), molva.CloseNormal, true)
}

// Something may come behind a close frame after all: then the socket is read until the client closes it, as a reset might
// take the server's close frame with it.
func TestServerReadsOnBehindACloseFrame(t *testing.T) {
	goodbye := closeFrame(1000, "")
	pinged := func(p *peer) {
		if f := p.read("a ping"); f.op != wire.OpPing {
			p.Fatalf("got %v", f)
		}
	}
	for _, tc := range []struct {
		name   string
		server *molva.Server
		dialog func(p *peer) // up to the server's close frame
	}{
		{"bytes that came with it", &molva.Server{}, func(p *peer) { p.send(goodbye, pongFrame("")) }},
		{"the pong to a ping of the keepalive", &molva.Server{
			Timeouts: molva.Timeouts{Ping: 10 * time.Millisecond, Pong: time.Hour},
		}, func(p *peer) {
			pinged(p)
			p.send(goodbye)
		}},
		{"the pong to a ping of the application", &molva.Server{
			OnOpen: func(c *molva.Conn) { go c.Ping(context.Background()) },
		}, func(p *peer) {
			pinged(p)
			p.send(goodbye)
		}},
		{"whatever a limited rate has held up", &molva.Server{
			Limits: molva.Limits{Messages: 1000},
		}, func(p *peer) { p.send(goodbye) }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			forEngines(t, func(t *testing.T, e molva.Engine) {
				srv := &molva.Server{Engine: e, Limits: tc.server.Limits, Timeouts: tc.server.Timeouts, OnOpen: tc.server.OnOpen}
				srv.Timeouts.Close = peerPatience
				p := dialPeer(t, start(t, srv), config{})
				tc.dialog(p)
				p.wantClose(wire.NormalClosure)
				p.wantHalfClosed()
			})
		})
	}
}

// A ping that was answered, be it by the pong to a later one (RFC 6455 §5.5.3), is no reason to wait.
func TestServerClosesFirstOnceItsPingsAreAnswered(t *testing.T) {
	often := molva.Timeouts{Ping: 10 * time.Millisecond, Pong: time.Hour, Close: peerPatience}
	t.Run("of the keepalive", func(t *testing.T) {
		forEngines(t, func(t *testing.T, e molva.Engine) {
			p := dialPeer(t, start(t, &molva.Server{Engine: e, Timeouts: often}), config{})
			p.send(pongFrame(string(p.read("a ping").payload)), closeFrame(1000, ""))
			p.wantClose(wire.NormalClosure)
			p.wantClosed()
		})
	})
	t.Run("of the application", func(t *testing.T) {
		forEngines(t, func(t *testing.T, e molva.Engine) {
			p := dialPeer(t, start(t, &molva.Server{
				Engine: e, Timeouts: patientClosing,
				OnOpen: func(c *molva.Conn) {
					for range 2 {
						go c.Ping(context.Background())
					}
				},
			}), config{})
			one, other := string(p.read("a ping").payload), string(p.read("another ping").payload)
			p.send(pongFrame(max(one, other)))
			p.close()
			p.wantClosed()
		})
	})
}

// TestManyClosingsEndWithoutAReset has clients that write their messages and their close frame in pieces of any size.
func TestManyClosingsEndWithoutAReset(t *testing.T) {
	const clients, closings = 8, 125
	forEngines(t, func(t *testing.T, e molva.Engine) {
		closed := make(chan error, clients*closings)
		addr := start(t, &molva.Server{
			Engine:      e,
			Timeouts:    patientClosing,
			Compression: molva.Compression{Enabled: true, MinSize: 1 << 20},
			OnMessage:   answer,
			OnClose:     func(_ *molva.Conn, err error) { closed <- err },
		})
		ok := t.Run("clients", func(t *testing.T) {
			for i := range clients {
				cfg := config{}
				if i%2 == 0 {
					cfg.extensions = "permessage-deflate; client_no_context_takeover; server_no_context_takeover"
				}
				t.Run(fmt.Sprint(i), func(t *testing.T) {
					t.Parallel()
					for range closings {
						closeQuickly(t, addr, cfg)
					}
				})
			}
		})
		if !ok {
			return
		}
		for range clients * closings {
			wantEnd(t, got(t, closed, "OnClose"), molva.CloseNormal, true)
		}
	})
}

// closeQuickly has some messages come back, and the close frame behind them.
func closeQuickly(t *testing.T, addr string, cfg config) {
	p := dialPeer(t, addr, cfg)
	defer p.conn.Close()
	messages := make([]frame, rand.IntN(4))
	for i := range messages {
		messages[i] = binaryFrame(make([]byte, rand.IntN(5000)))
	}
	data := p.encode(append(messages, closeFrame(1000, "bye"))...)
	p.write(data, 1+rand.IntN(len(data)))
	p.want(messages...)
	p.wantClose(wire.NormalClosure)
}

// Whose last message is larger than what sockets hold gets all of it, and then the close frame.
func TestServerSendsAllBeforeItCloses(t *testing.T) {
	message := binaryFrame(make([]byte, 32<<20))
	forEngines(t, func(t *testing.T, e molva.Engine) {
		limits := molva.Limits{Message: 64 << 20, Outbox: 64 << 20}
		p := dialPeer(t, start(t, &molva.Server{
			Engine: e, Limits: limits, Timeouts: patientClosing,
			OnOpen: func(c *molva.Conn) { c.Send(molva.Binary(message.payload)) },
		}), config{})
		p.send(closeFrame(1000, ""))
		p.want(message)
		p.wantClose(wire.NormalClosure)
		p.closeWrite()
	})
}
