package molva_test

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/wire"
)

// crowded returns a server with one connection, in a room, whose client does not read and whose outbox is full of
// messages that were sent as d says.
func crowded(t *testing.T, e molva.Engine, slow molva.SlowPolicy, d molva.Delivery) (*molva.Server, *molva.Conn, *peer) {
	t.Helper()
	opened := make(chan *molva.Conn, 1)
	srv := &molva.Server{
		Engine: e,
		Limits: molva.Limits{Outbox: 64 << 10},
		Slow:   slow,
		OnOpen: func(c *molva.Conn) { c.Join("prices"); opened <- c },
	}
	p := dialPeer(t, start(t, srv), config{})
	c := got(t, opened, "OnOpen")
	for full := false; !full; full = staysFull(srv) {
		before := srv.Stats().Slow
		for i := 0; srv.Stats().Slow == before; i++ {
			if _, err := srv.PublishWith("prices", numbered(i), d); err != nil {
				t.Fatal(err)
			}
		}
	}
	return srv, c, p
}

// staysFull reports whether nothing leaves an outbox that is full. Who writes may just not have been given a processor;
// and the system may take more a little later, as it makes its buffers larger. A message sent to find out would not do:
// it may be let in by dropping another.
func staysFull(srv *molva.Server) bool {
	for _, wait := range []time.Duration{5 * time.Millisecond, 250 * time.Millisecond, 250 * time.Millisecond} {
		before := srv.Stats().BytesOut
		<-time.After(wait)
		if srv.Stats().BytesOut != before || !allWait() {
			return false
		}
	}
	return true
}

// allWait reports whether no goroutine of the library has anything to do but the one that asks.
func allWait() bool {
	return !slices.ContainsFunc(libraryGoroutines(), func(stack string) bool {
		head, _, _ := strings.Cut(stack, "\n")
		return strings.Contains(head, "[run") || strings.Contains(head, "[syscall") // running or runnable
	})
}

// overfill sends until that is refused, which it may not be at once: see staysFull.
func overfill(c *molva.Conn) (err error) {
	for err == nil {
		err = c.Send(numbered(0))
	}
	return err
}

// texts reads to the close frame and returns the text messages before it.
func texts(p *peer) (list []string) {
	p.Helper()
	for {
		f := p.read("a message")
		switch f.op {
		case wire.OpClose:
			return list
		case wire.OpText:
			list = append(list, string(f.payload))
		}
	}
}

func TestLatestMessageAboutAKeyTakesThePlaceOfTheOlder(t *testing.T) {
	forEngines(t, func(t *testing.T, e molva.Engine) {
		srv, c, p := crowded(t, e, molva.SlowClose, molva.Delivery{Slow: molva.SlowDropOldest})
		c.Join("weather")
		for _, m := range []struct{ room, key, text string }{
			{"prices", "EURUSD", "1.08"}, {"prices", "EURCHF", "0.94"}, {"weather", "EURUSD", "mild"},
			{"prices", "EURUSD", "1.09"}, {"prices", "", "opened"}, {"prices", "EURUSD", "1.10"}, {"prices", "", "closed"},
		} {
			d := molva.Delivery{Slow: molva.SlowKeepLatest, Key: m.key}
			if n, err := srv.PublishWith(m.room, molva.Text(m.text), d); n != 1 || err != nil {
				t.Errorf("%v reached %d, %v", m, n, err)
			}
		}
		if n := srv.Stats().Slow.Latest; n != 3 {
			t.Errorf("%d messages were replaced, want 3", n)
		}
		go c.Close(molva.CloseNormal, "")
		if got, want := texts(p), []string{"1.10", "0.94", "mild", "closed"}; !slices.Equal(got, want) {
			t.Errorf("there came %q, want %q", got, want)
		}
	})
}

func TestDeliveryOverrulesTheServer(t *testing.T) {
	forEngines(t, func(t *testing.T, e molva.Engine) {
		t.Run("refuse where the server closes", func(t *testing.T) {
			srv, c, _ := crowded(t, e, molva.SlowDefault, molva.Delivery{Slow: molva.SlowRefuse})
			if err := c.Err(); err != nil || srv.Stats().Slow.Refused == 0 {
				t.Errorf("the connection ended with %v", err)
			}
			if err := overfill(c); !errors.Is(err, molva.ErrBufferFull) {
				t.Errorf("Send returned %v", err)
			}
			if err := c.Send(numbered(0)); !errors.Is(err, molva.ErrClosed) {
				t.Errorf("Send after that returned %v", err)
			}
		})
		t.Run("close where the server refuses", func(t *testing.T) {
			srv, c, p := crowded(t, e, molva.SlowRefuse, molva.Delivery{})
			for n := 1; n != 0; {
				n, _ = srv.PublishWith("prices", numbered(0), molva.Delivery{Slow: molva.SlowClose})
			}
			if err := c.Send(numbered(0)); !errors.Is(err, molva.ErrClosed) {
				t.Errorf("Send after that returned %v", err)
			}
			texts(p)
		})
	})
}

func TestExceptDoesNotGetTheMessage(t *testing.T) {
	opened := make(chan *molva.Conn, 2)
	srv := &molva.Server{OnOpen: func(c *molva.Conn) { c.Join("room"); opened <- c }}
	addr := start(t, srv)
	first := dial(t, addr, nil)
	sender := got(t, opened, "OnOpen")
	second := dial(t, addr, nil)
	got(t, opened, "OnOpen")
	if n, err := srv.PublishWith("room", molva.Text("others"), molva.Delivery{Except: sender}); n != 1 || err != nil {
		t.Errorf("reached %d, %v", n, err)
	}
	srv.Publish("room", molva.Text("all"))
	for c, want := range map[*molva.Conn]string{first: "all", second: "others"} {
		if m, err := c.Read(inTime(t)); err != nil || m.String() != want {
			t.Errorf("there came %q, %v; want %q", m.Data, err, want)
		}
	}
}

// A message that was compressed with context is part of the context of the next: none may be missing.
func TestNothingIsDroppedFromACompressedContext(t *testing.T) {
	forEngines(t, func(t *testing.T, e molva.Engine) {
		compression := molva.Compression{Enabled: true, Takeover: true}
		srv := &molva.Server{
			Engine:      e,
			Limits:      molva.Limits{Outbox: 16 << 10},
			Compression: compression,
			Timeouts:    molva.Timeouts{Close: peerPatience},
			OnOpen:      func(c *molva.Conn) { c.Join("room") },
		}
		addr := start(t, srv)
		c := dial(t, addr, &molva.DialOptions{Compression: compression})
		if !within(peerPatience, func() bool { return len(srv.Members("room")) == 1 }) {
			t.Fatal("nobody is in the room")
		}
		var random [16][8 << 10]byte
		for i := range random {
			rand.Read(random[i][:])
		}
		sent := 0
		for i := 0; srv.Stats().Slow.Refused == 0; i++ {
			if slow := srv.Stats().Slow; slow.Latest+slow.Dropped > 0 {
				t.Fatalf("something was dropped: %+v", slow)
			}
			// The first half is new and fills the socket, the second is what the message before began with.
			last := hex.EncodeToString(random[max(0, i-1)%len(random)][:])
			text := fmt.Sprint(i, " ", hex.EncodeToString(random[i%len(random)][:]), last)
			n, err := srv.PublishWith("room", molva.Text(text), molva.Delivery{Slow: molva.SlowKeepLatest, Key: "k"})
			if err != nil {
				t.Fatal(err)
			}
			sent += n
		}
		go srv.Conns()[0].Close(molva.CloseNormal, "")
		came := 0
		for m, err := range c.Messages(inTime(t)) {
			var closed *molva.CloseError
			if errors.As(err, &closed) && closed.Code == molva.CloseNormal {
				break
			}
			if err != nil {
				t.Fatalf("after %d messages: %v", came, err)
			}
			if !strings.HasPrefix(m.String(), fmt.Sprint(came, " ")) {
				t.Fatalf("message %d begins with %.20q", came, m.Data)
			}
			came++
		}
		if came != sent {
			t.Errorf("%d messages came, %d were taken", came, sent)
		}
	})
}
