package molva_test

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/molva-ws/molva"
)

func TestPreparedReachesConnectionsOfEveryKind(t *testing.T) {
	text := strings.Repeat("the same text again and again. ", 100)
	prepared, err := molva.Prepare(molva.Text(text))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ server, client molva.Compression }{
		"plain":                {},
		"deflate":              {molva.Compression{Enabled: true}, molva.Compression{Enabled: true}},
		"deflate, small":       {molva.Compression{Enabled: true, WindowBits: 9}, molva.Compression{Enabled: true}},
		"takeover":             {molva.Compression{Enabled: true, Takeover: true}, molva.Compression{Enabled: true, Takeover: true}},
		"takeover at one end":  {molva.Compression{Enabled: true, Takeover: true}, molva.Compression{Enabled: true}},
		"declined by a client": {molva.Compression{Enabled: true}, molva.Compression{}},
	} {
		t.Run(name, func(t *testing.T) {
			server, client := accepted(t,
				&molva.AcceptOptions{Compression: c.server}, &molva.DialOptions{Compression: c.client})
			// Own messages between prepared ones move a window with context on in the same way.
			for i := range 5 {
				own := text[i*10:]
				for _, end := range [][2]*molva.Conn{{server, client}, {client, server}} {
					if err := end[0].SendPrepared(prepared); err != nil {
						t.Fatal(err)
					}
					if err := end[0].Send(molva.Text(own)); err != nil {
						t.Fatal(err)
					}
					wantMessage(t, end[1], text)
					wantMessage(t, end[1], own)
				}
			}
		})
	}
}

func TestPreparedIsSharedByManyGoroutines(t *testing.T) {
	prepared, _ := molva.Prepare(molva.Text(strings.Repeat("shared ", 200)))
	opts := molva.Compression{Enabled: true}
	var running sync.WaitGroup
	for range 4 {
		server, client := accepted(t, &molva.AcceptOptions{Compression: opts}, &molva.DialOptions{Compression: opts})
		running.Go(func() {
			for range 50 {
				if err := server.SendPrepared(prepared); err != nil {
					t.Error(err)
				}
			}
		})
		running.Go(func() {
			for range 50 {
				wantMessage(t, client, strings.Repeat("shared ", 200))
			}
		})
	}
	running.Wait()
}

// swallow opens raw connections to addr and throws away what comes, without allocating.
func swallow(t testing.TB, addr string, n int) {
	t.Helper()
	for range n {
		p := dialPeer(t, addr, config{})
		p.conn.SetDeadline(time.Time{})
		go func() {
			buf := make([]byte, 64<<10)
			for {
				if _, err := p.conn.Read(buf); err != nil {
					return
				}
			}
		}()
	}
}

func TestDeliveriesDoNotAllocate(t *testing.T) {
	if raceDetector {
		t.Skip("pools drop what they hold under the race detector")
	}
	forEngines(t, func(t *testing.T, e molva.Engine) {
		opened := make(chan *molva.Conn, 20)
		srv := &molva.Server{Engine: e, OnOpen: func(c *molva.Conn) { c.Join("room"); opened <- c }}
		swallow(t, start(t, srv), 20)
		var conn *molva.Conn
		for range 20 {
			conn = got(t, opened, "a connection")
		}
		m := molva.Text("a message of some length, as they are in a chat")
		prepared, _ := molva.Prepare(m)
		for name, send := range map[string]func(){
			"Send":         func() { conn.Write(context.Background(), m) },
			"SendPrepared": func() { conn.SendPrepared(prepared) },
		} {
			if n := testing.AllocsPerRun(2000, send); n >= 1 {
				t.Errorf("%s allocates %v times", name, n)
			}
		}
		if n := testing.AllocsPerRun(500, func() { srv.Publish("room", m) }) / 20; n >= 0.5 {
			t.Errorf("a delivery of Publish allocates %v times", n)
		}
	})
}

func BenchmarkPublish(b *testing.B) {
	for _, e := range []struct {
		name   string
		engine molva.Engine
	}{{"loop", molva.EngineAuto}, {"portable", molva.EnginePortable}} {
		b.Run(e.name, func(b *testing.B) {
			const members = 1000
			opened := make(chan struct{}, members)
			srv := &molva.Server{
				Engine: e.engine,
				Limits: molva.Limits{Outbox: 64 << 10},
				Slow:   molva.SlowRefuse,
				OnOpen: func(c *molva.Conn) { c.Join("room"); opened <- struct{}{} },
			}
			swallow(b, start(b, srv), members)
			for range members {
				<-opened
			}
			m := molva.Text(strings.Repeat("x", 128))
			b.ReportAllocs()
			for b.Loop() {
				srv.Publish("room", m)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/members, "ns/delivery")
		})
	}
}

func BenchmarkSendPrepared(b *testing.B) {
	opened := make(chan *molva.Conn, 1)
	srv := &molva.Server{Slow: molva.SlowRefuse, OnOpen: func(c *molva.Conn) { opened <- c }}
	swallow(b, start(b, srv), 1)
	c := <-opened
	prepared, _ := molva.Prepare(molva.Text(strings.Repeat("x", 128)))
	b.ReportAllocs()
	for b.Loop() {
		c.SendPrepared(prepared)
	}
}

func BenchmarkEcho(b *testing.B) {
	echo := func(c *molva.Conn, m molva.Message) { c.Send(m) }
	servers := map[string]func(b *testing.B) string{
		"loop": func(b *testing.B) string { return start(b, &molva.Server{OnMessage: echo}) },
		"portable": func(b *testing.B) string {
			return start(b, &molva.Server{Engine: molva.EnginePortable, OnMessage: echo})
		},
		"messages": func(b *testing.B) string {
			addr, conns := acceptOn(b, nil)
			go func() {
				c := <-conns
				for m, err := range c.Messages(context.Background()) {
					if err != nil {
						return
					}
					echo(c, m)
				}
			}()
			return addr
		},
	}
	for _, name := range []string{"loop", "portable", "messages"} {
		b.Run(name, func(b *testing.B) {
			p := dialPeer(b, servers[name](b), config{})
			p.conn.SetDeadline(time.Time{})
			message := textFrame(strings.Repeat("x", 128))
			sent := p.encode(message)
			answer := make([]byte, 4+128)
			b.ReportAllocs()
			b.SetBytes(128)
			for b.Loop() {
				p.conn.Write(sent)
				if _, err := io.ReadFull(p.in, answer); err != nil {
					b.Fatal(err)
				}
			}
			if !bytes.HasSuffix(answer, message.payload) {
				b.Errorf("the answer is %q", answer)
			}
		})
	}
}
