package molva_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/molva-ws/molva"
)

func TestPingMeasuresTheRoundTrip(t *testing.T) {
	server, client := accepted(t, nil, nil)
	server.CloseRead(context.Background())
	client.CloseRead(context.Background())
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() {
			for range 20 {
				if rtt, err := client.Ping(inTime(t)); err != nil || rtt <= 0 {
					t.Errorf("Ping: %v, %v", rtt, err)
				}
			}
		})
	}
	running.Wait()
}

func TestPingTakesOnlyItsOwnPong(t *testing.T) {
	c, p := rawServer(t, nil)
	c.CloseRead(context.Background())
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		_, err := c.Ping(ctx)
		ended <- err
	}()
	ping := p.read("a ping")
	p.send(pongFrame("other"), pongFrame("otherwise"), pongFrame("\x00\x00\x00\x00\x00\x00\x00\x09"))
	p.send(pingFrame("x"))
	p.want(pongFrame("x")) // all that was read
	select {
	case err := <-ended:
		t.Errorf("Ping returned %v", err)
	default:
	}
	p.send(pongFrame(string(ping.payload)))
	if err := got(t, ended, "the pong"); err != nil {
		t.Errorf("Ping: %v", err)
	}
	cancel()
	if _, err := c.Ping(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Ping with a context that is done: %v", err)
	}
}

func TestPingEndsWithTheConnection(t *testing.T) {
	c, p := rawServer(t, nil)
	c.CloseRead(context.Background())
	ended := make(chan error, 1)
	go func() {
		_, err := c.Ping(context.Background())
		ended <- err
	}()
	p.read("a ping")
	c.CloseNow()
	wantEnd(t, got(t, ended, "the end"), molva.CloseAbnormal, false)
	if _, err := c.Ping(context.Background()); err != molva.ErrClosed {
		t.Errorf("Ping after the end: %v", err)
	}
}

func TestSilentPeerIsGivenUp(t *testing.T) {
	timeouts := molva.Timeouts{Ping: 30 * time.Millisecond, Pong: 60 * time.Millisecond}
	t.Run("dial", func(t *testing.T) {
		c, _ := rawServer(t, &molva.DialOptions{Timeouts: timeouts})
		_, err := c.Read(inTime(t))
		if !errors.Is(err, molva.ErrTimeout) {
			t.Errorf("Read: %v", err)
		}
		wantEnd(t, err, molva.CloseAbnormal, false)
	})
	t.Run("server", func(t *testing.T) {
		forEngines(t, func(t *testing.T, e molva.Engine) {
			closed := make(chan error, 1)
			addr := start(t, &molva.Server{Engine: e, Timeouts: timeouts,
				OnClose: func(_ *molva.Conn, err error) { closed <- err }})
			p := dialPeer(t, addr, config{})
			p.want(pingFrame(""))
			if err := got(t, closed, "OnClose"); !errors.Is(err, molva.ErrTimeout) {
				t.Errorf("OnClose got %v", err)
			}
		})
	})
}
