package gateway_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/api"
)

// audience is some connections that read whatever comes.
type audience struct {
	heard atomic.Int64
	more  chan struct{}
}

const (
	listeners = 100
	burst     = 100 // publishes before the audience has to have heard them
)

// join opens connections, which say something first and then listen.
func (a *audience) join(b *testing.B, url, say string) {
	a.more = make(chan struct{}, 1)
	for range listeners {
		c, _, err := molva.Dial(b.Context(), url, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(c.CloseNow)
		c.Send(molva.Text(say))
		go func() {
			for {
				if _, err := c.Read(context.Background()); err != nil {
					return
				}
				a.heard.Add(1)
				select {
				case a.more <- struct{}{}:
				default:
				}
			}
		}()
	}
}

// wait waits until so much was heard.
func (a *audience) wait(n int64) {
	for a.heard.Load() < n {
		<-a.more
	}
}

// run publishes all the time, a burst ahead of the audience.
func (a *audience) run(b *testing.B, publish func() int) {
	for publish() != listeners { // until all have joined
	}
	start := a.heard.Load()
	for published := int64(0); b.Loop(); {
		publish()
		if published++; published%burst == 0 {
			a.wait(start + published*listeners)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/listeners, "ns/delivery")
}

// BenchmarkPublish publishes the same bytes to a room of 100 connections by the bare library, and as a command that has
// to be decoded, stamped and put into a message: the difference is what the JSON protocol costs.
func BenchmarkPublish(b *testing.B) {
	const wire = `{"type":"message","id":"abcd-1234","room":"r","data":{"text":"hello"},"time":1763950000456}`
	line := []byte(`{"room":"r","message":{"text":"hello"}}`)
	b.Run("bare", func(b *testing.B) {
		srv := &molva.Server{OnOpen: func(c *molva.Conn) { c.Join("r") }}
		web := httptest.NewServer(srv)
		defer web.Close()
		var a audience
		a.join(b, "ws"+strings.TrimPrefix(web.URL, "http"), "")
		a.run(b, func() int {
			n, _ := srv.Publish("r", molva.Text(wire))
			return n
		})
	})
	b.Run("gateway", func(b *testing.B) {
		g := new(gateway.Gateway)
		addr := open(b, g)
		var a audience
		a.join(b, "ws://"+addr+"/ws", `{"type":"join","room":"r"}`)
		a.run(b, func() int {
			var c api.Command
			if err := json.Unmarshal(line, &c); err != nil {
				b.Fatal(err)
			}
			return *g.Do(b.Context(), &c).Reached
		})
	})
}
