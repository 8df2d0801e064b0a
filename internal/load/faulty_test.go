package load_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/internal/load"
	"github.com/molva-ws/molva/internal/load/faulty"
	"github.com/molva-ws/molva/wire"
)

// oneIn is among how many messages one is spoilt.
const oneIn = 100_000

func TestOneFaultInAHundredThousandIsCaught(t *testing.T) {
	for _, mode := range []load.Mode{load.Echo, load.Soak} {
		for _, fault := range faulty.Faults {
			for seed := range uint64(3) {
				t.Run(fmt.Sprintf("%s, %s, %d", mode, fault, seed), func(t *testing.T) {
					c := short(mode, serve(t, faulty.NewServer(fault, oneIn, seed)))
					c.Inflight, c.Messages, c.Seed = 16, 2*oneIn, seed
					c.Patience = 10 * time.Second
					if mode == load.Soak {
						c.Size, c.Lifetime = 300, 1000
					}
					wantFault(t, c, string(fault))
				})
			}
		}
	}
}

// wantFault wants a run to end early with one fault of a kind.
func wantFault(t *testing.T, c load.Config, want string) {
	t.Helper()
	r, err := run(t, c)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.FaultCounts) != 1 || r.FaultCounts[want] == 0 || r.FaultCounts[want] > 2 {
		t.Fatalf("caught %v, %v; %d messages", r.FaultCounts, r.Faults, r.Messages)
	}
	if said := r.Faults[0].String(); !strings.Contains(said, want) || !strings.Contains(said, "message ") {
		t.Errorf("told as %q", said)
	}
}

func TestRunThatKeepsGoingCountsFaults(t *testing.T) {
	var n atomic.Uint64
	srv := &molva.Server{Workers: 1}
	srv.OnMessage = func(c *molva.Conn, m molva.Message) {
		echo(c, m)
		if n.Add(1)%1000 == 0 {
			echo(c, m)
		}
	}
	c := short(load.Echo, serve(t, srv))
	c.KeepGoing, c.Messages = true, 5000
	r, err := run(t, c)
	if err != nil {
		t.Fatal(err)
	}
	if got := r.FaultCounts["doubled"]; got < n.Load()/1000-1 || got > n.Load()/1000 || len(r.FaultCounts) != 1 {
		t.Errorf("%d messages, caught %v", n.Load(), r.FaultCounts)
	}
	if len(r.Faults) != min(10, int(r.FaultCounts["doubled"])) {
		t.Errorf("told of %d", len(r.Faults))
	}
}

func TestOtherFaultsAreCaught(t *testing.T) {
	var other atomic.Pointer[molva.Conn]
	at := func(n uint64, do func(c *molva.Conn, m molva.Message)) func(*molva.Conn, molva.Message) {
		var count atomic.Uint64
		return func(c *molva.Conn, m molva.Message) {
			if count.Add(1) == n {
				do(c, m)
				return
			}
			echo(c, m)
		}
	}
	for want, do := range map[string]func(c *molva.Conn, m molva.Message){
		"misdelivered": func(c *molva.Conn, m molva.Message) { echo(c, m); echo(other.Load(), m) },
		"disconnected": func(c *molva.Conn, m molva.Message) { c.Close(wire.PolicyViolation, "enough") },
		"corrupt":      func(c *molva.Conn, m molva.Message) { m.Type = molva.Text("").Type; echo(c, m) },
		"corrupt ":     func(c *molva.Conn, m molva.Message) { m.Data = m.Data[:len(m.Data)-1]; echo(c, m) },
		"missing":      func(*molva.Conn, molva.Message) {},
	} {
		t.Run(want, func(t *testing.T) {
			srv := &molva.Server{OnMessage: at(500, do), Workers: 1}
			var opened atomic.Int64
			srv.OnOpen = func(c *molva.Conn) {
				if opened.Add(1) == 7 {
					other.Store(c)
				}
			}
			c := short(load.Echo, serve(t, srv))
			c.Kind, c.Messages, c.Patience = load.Binary, 2000, 5*time.Second
			if want == "misdelivered" {
				c.Seed = 0
			}
			wantFault(t, c, strings.TrimSpace(want))
		})
	}
}
