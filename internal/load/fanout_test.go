package load_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/internal/load"
)

// broadcaster sends every message to everybody.
func broadcaster() *molva.Server {
	srv := new(molva.Server)
	srv.OnMessage = func(_ *molva.Conn, m molva.Message) { srv.Broadcast(m) }
	return srv
}

func TestFanoutCountsEveryDelivery(t *testing.T) {
	for _, loops := range []int{1, 2} {
		c := short(load.Fanout, serve(t, broadcaster()))
		c.Loops = loops
		c.Messages = 5000
		if r := pass(t, c); r.Messages < 5000 {
			t.Errorf("%d deliveries", r.Messages)
		}
	}
}

// TestFanoutBeginsWhenTheServerHasCountedAll has a server that answers a handshake long before it counts the connection.
func TestFanoutBeginsWhenTheServerHasCountedAll(t *testing.T) {
	var opened atomic.Int64
	srv := &molva.Server{OnOpen: func(c *molva.Conn) {
		if opened.Add(1) == 20 {
			time.Sleep(200 * time.Millisecond) // a server that is slow, not a way to wait
		}
		c.Join("all")
	}}
	srv.OnMessage = func(_ *molva.Conn, m molva.Message) { srv.Publish("all", m) }
	pass(t, short(load.Fanout, serve(t, srv)))
}

func TestFanoutKeepsARate(t *testing.T) {
	for _, loops := range []int{1, 2} {
		c := short(load.Fanout, serve(t, broadcaster()))
		c.Loops, c.Rate, c.Duration = loops, 500, time.Second
		r := passSome(t, c, func(c *load.Config, r *load.Result) error {
			deliveries := c.Rate * float64(c.Conns-1)
			c.Rate /= 2
			if r.MessagesPerSecond < 0.7*deliveries || r.MessagesPerSecond > 1.3*deliveries {
				return fmt.Errorf("%v deliveries a second where %v were asked for", r.MessagesPerSecond, deliveries)
			}
			return nil
		})
		if !r.Corrected || r.Uncorrected.P50Micros <= 0 || r.Uncorrected.P50Micros > r.P50Micros {
			t.Errorf("latency %+v, from sending %+v", r.Percentiles, r.Uncorrected)
		}
	}
}

func TestFanoutNoticesWhoWasLeftOut(t *testing.T) {
	var mu sync.Mutex
	var all []*molva.Conn
	n := 0
	srv := &molva.Server{OnOpen: func(c *molva.Conn) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, c)
	}}
	srv.OnMessage = func(publisher *molva.Conn, m molva.Message) {
		mu.Lock()
		defer mu.Unlock()
		n++
		for _, c := range all {
			if n != 30 || c == publisher {
				c.Send(m)
			}
		}
	}
	c := short(load.Fanout, serve(t, srv))
	c.Messages = 100 * 19
	r, err := run(t, c)
	if err != nil {
		t.Fatal(err)
	}
	if r.FaultCounts["missing"] != 19 {
		t.Errorf("%v, %v", r.FaultCounts, r.Faults)
	}
}

func TestPublisherMayHearItselfOrNot(t *testing.T) {
	var mu sync.Mutex
	for _, hears := range []bool{true, false} {
		var all []*molva.Conn
		srv := &molva.Server{OnOpen: func(c *molva.Conn) {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, c)
		}}
		srv.OnMessage = func(publisher *molva.Conn, m molva.Message) {
			mu.Lock()
			defer mu.Unlock()
			for _, c := range all {
				if c != publisher {
					c.Send(m)
				}
			}
			if hears {
				publisher.Send(m) // last of all
			}
		}
		pass(t, short(load.Fanout, serve(t, srv)))
	}
}
