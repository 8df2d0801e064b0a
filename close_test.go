package molva_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/wire"
)

func TestCloseTellsThePeerWhy(t *testing.T) {
	server, client := accepted(t, nil, nil)
	ended := make(chan error, 1)
	go func() {
		_, err := server.Read(context.Background())
		ended <- err
	}()
	if err := client.Close(4001, "enough"); err != nil {
		t.Errorf("Close: %v", err)
	}
	err := got(t, ended, "the end")
	wantEnd(t, err, 4001, true)
	if !strings.Contains(err.Error(), "enough") {
		t.Errorf("the reason is not in %q", err)
	}
	wantEnd(t, client.Err(), 4001, false)
	wantEnd(t, client.Close(molva.CloseNormal, ""), 4001, false)
	if err := client.Write(inTime(t), molva.Text("late")); err != molva.ErrClosed {
		t.Errorf("Write after Close: %v", err)
	}
}

func TestBothEndsCloseAtOnce(t *testing.T) {
	for range 50 {
		server, client := accepted(t, nil, nil)
		errs := make(chan error, 2)
		for _, c := range []*molva.Conn{server, client} {
			go func() { errs <- c.Close(molva.CloseNormal, "") }()
		}
		for range 2 {
			// Who hears of the other's close first was closed already.
			if err := got(t, errs, "the end of Close"); err != nil {
				wantEnd(t, err, molva.CloseNormal, true)
			}
		}
	}
}

func TestCloseWhileOthersReadAndWrite(t *testing.T) {
	server, client := accepted(t, nil, nil)
	var running sync.WaitGroup
	for _, c := range []*molva.Conn{server, client} {
		running.Go(func() {
			for range c.Messages(context.Background()) {
			}
		})
		running.Go(func() {
			for c.Write(context.Background(), molva.Text("message")) == nil {
			}
		})
	}
	if err := client.Close(molva.CloseNormal, ""); err != nil {
		t.Errorf("Close: %v", err)
	}
	running.Wait()
	wantEnd(t, server.Err(), molva.CloseNormal, true)
}

func TestCloseInsideMessagesDoesNotWait(t *testing.T) {
	c, p := rawServer(t, nil)
	p.send(textFrame("x"))
	var last error
	for _, err := range c.Messages(inTime(t)) {
		if last = err; err != nil {
			break
		}
		if err := c.Close(4000, ""); err != nil {
			t.Errorf("Close: %v", err)
		}
		p.send(closeFrame(4000, ""))
	}
	wantEnd(t, last, 4000, false)
}

func TestCloseRefusesCodesThatMayNotBeSent(t *testing.T) {
	_, client := accepted(t, nil, nil)
	for _, code := range []molva.CloseCode{0, 999, 1004, 1006, 1015, 2999, 5000} {
		if err := client.Close(code, ""); !errors.Is(err, molva.ErrCloseCode) {
			t.Errorf("Close(%d): %v", code, err)
		}
	}
	if err := client.Send(molva.Text("still open")); err != nil {
		t.Errorf("Send: %v", err)
	}
}

func TestCloseCutsALongReason(t *testing.T) {
	c, p := rawServer(t, nil)
	go c.Close(molva.CloseNormal, strings.Repeat("ж", 100))
	f := p.read("a close frame")
	code, reason, err := wire.ParseClose(f.payload)
	if err != nil || code != molva.CloseNormal || reason != strings.Repeat("ж", 61) {
		t.Errorf("got %v %q, %v", code, reason, err)
	}
	p.send(closeFrame(molva.CloseNormal, ""))
}

func TestCloseWithoutCode(t *testing.T) {
	server, client := accepted(t, nil, nil)
	go client.Close(molva.CloseNoStatus, "ignored")
	_, err := server.Read(inTime(t))
	wantEnd(t, err, molva.CloseNoStatus, true)
}

func TestCloseGivesUpOnAPeerThatDoesNotAnswer(t *testing.T) {
	timeouts := molva.Timeouts{Close: 20 * time.Millisecond}
	t.Run("dial", func(t *testing.T) {
		c, _ := rawServer(t, &molva.DialOptions{Timeouts: timeouts})
		if err := c.Close(molva.CloseNormal, ""); !errors.Is(err, molva.ErrTimeout) {
			t.Errorf("Close: %v", err)
		}
	})
	t.Run("server", func(t *testing.T) {
		forEngines(t, func(t *testing.T, e molva.Engine) {
			closed := make(chan error, 1)
			addr := start(t, &molva.Server{
				Engine:   e,
				Timeouts: molva.Timeouts{Close: 20 * time.Millisecond, Ping: time.Hour, Pong: 2 * time.Hour},
				OnOpen:   func(c *molva.Conn) { c.Close(4000, "") },
				OnClose:  func(_ *molva.Conn, err error) { closed <- err },
			})
			dialPeer(t, addr, config{})
			if err := got(t, closed, "OnClose"); !errors.Is(err, molva.ErrTimeout) {
				t.Errorf("OnClose got %v", err)
			}
		})
	})
}

func TestCloseNowIsNoticedAtOnce(t *testing.T) {
	server, client := accepted(t, nil, nil)
	reading := make(chan error, 1)
	go func() {
		_, err := client.Read(context.Background())
		reading <- err
	}()
	client.CloseNow()
	wantEnd(t, got(t, reading, "the end of Read"), molva.CloseAbnormal, false)
	_, err := server.Read(inTime(t))
	wantEnd(t, err, molva.CloseAbnormal, true)
}

func TestReasonOfTheFirstToCloseCounts(t *testing.T) {
	forEngines(t, func(t *testing.T, e molva.Engine) {
		closed := make(chan error, 1)
		addr := start(t, &molva.Server{
			Engine: e,
			OnMessage: func(c *molva.Conn, _ molva.Message) {
				if err := c.Close(4001, "ours"); err != nil {
					t.Errorf("Close: %v", err)
				}
				wantEnd(t, c.Close(4002, "again"), 4001, false)
			},
			OnClose: func(_ *molva.Conn, err error) { closed <- err },
		})
		p := dialPeer(t, addr, config{})
		p.send(textFrame("x"))
		if f := p.read("a close frame"); f.op != wire.OpClose {
			t.Fatalf("got %v", f)
		}
		p.send(closeFrame(4003, "theirs"))
		p.wantEnd()
		p.conn.Close()
		wantEnd(t, got(t, closed, "OnClose"), 4001, false)
	})
}
