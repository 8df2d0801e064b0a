package molva_test

import (
	"net"
	"net/http"
	"runtime"
	"testing"
	"time"

	"github.com/molva-ws/molva"
)

func TestStatsOfMessages(t *testing.T) {
	const count, size = 100, 1000
	onEveryEcho(t, func(t *testing.T, start func(*molva.Server) net.Addr) {
		srv := new(molva.Server)
		addr := start(srv)
		var conns []*molva.Conn
		for range 3 {
			c, _ := wantStatus(t, addr, nil, http.StatusSwitchingProtocols)
			sendAndCollect(t, c, count, size)
			conns = append(conns, c)
		}
		wantStats(t, srv, func(s molva.Stats) bool {
			return s.MessagesIn == 3*count && s.MessagesOut == 3*count && s.Conns == 3 && s.Handshakes == 3
		})
		if reached, _ := srv.Broadcast(molva.Text("all")); reached != 3 {
			t.Errorf("reached %d", reached)
		}
		// Each message has a header of 4 bytes, 8 from a client; the handshakes may be counted, too.
		const in, out = 3 * count * (size + 8), 3 * count * (size + 4)
		wantStats(t, srv, func(s molva.Stats) bool {
			return s.MessagesOut == 3*count+3 && s.BytesIn >= in && s.BytesIn < in+3*1000 && s.BytesOut >= out && s.BytesOut < out+3*1000
		})
		for _, c := range conns {
			c.Close(molva.CloseNormal, "")
		}
		wantStats(t, srv, func(s molva.Stats) bool {
			return s.Conns == 0 && s.MessagesIn == 3*count && s.Refused == molva.RefusedStats{}
		})
	})
}

func TestStatsOfSlowClients(t *testing.T) {
	const outbox = 64 << 10
	for _, test := range []struct {
		name   string
		policy molva.SlowPolicy
		send   func(*molva.Conn)
		want   func(molva.Stats) bool
	}{
		{"closed", molva.SlowClose, sendUntilFull, func(s molva.Stats) bool {
			return s.Slow == molva.SlowStats{Closed: 1} && s.Conns == 0
		}},
		{"refused", molva.SlowRefuse, sendMuch, func(s molva.Stats) bool {
			return s.Slow.Refused > 0 && s.Slow.Closed+s.Slow.Dropped == 0 && s.Conns == 1
		}},
		{"dropped", molva.SlowDropOldest, sendMuch, func(s molva.Stats) bool {
			return s.Slow.Dropped > 0 && s.Slow.Closed+s.Slow.Refused == 0 && s.Conns == 1
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			onEveryFront(t, func(t *testing.T, start func(*molva.Server) net.Addr) {
				opened := make(chan *molva.Conn, 1)
				srv := &molva.Server{
					Limits: molva.Limits{Outbox: outbox},
					Slow:   test.policy,
					OnOpen: func(c *molva.Conn) { opened <- c },
				}
				if test.policy == molva.SlowClose { // what is in the outbox will never leave it
					srv.Timeouts = molva.Timeouts{Close: 100 * time.Millisecond}
				}
				client, _ := wantStatus(t, start(srv), nil, http.StatusSwitchingProtocols) // never reads
				c := <-opened
				sent := func() bool { test.send(c); return test.want(srv.Stats()) } // however much the buffers hold
				if !within(peerPatience, sent) {
					t.Fatalf("stats are %+v", srv.Stats())
				}
				if test.policy != molva.SlowClose {
					// The writing may not have begun before, and then all of it has left. What the system is taking at this
					// moment may come on top, but it takes no more in the end.
					var queued int64
					full := func() bool { test.send(c); queued = srv.Queued(); return queued > 0 && queued <= outbox }
					if !within(peerPatience, full) {
						t.Errorf("%d bytes are queued", queued)
					}
				}
				client.CloseNow()
				wantStats(t, srv, func(s molva.Stats) bool { return s.Conns == 0 })
				if queued := srv.Queued(); queued != 0 {
					t.Errorf("%d bytes are queued at last", queued)
				}
			})
		})
	}
}

var sixteenKB = molva.Binary(make([]byte, 16<<10))

func sendUntilFull(c *molva.Conn) {
	for c.Send(sixteenKB) == nil {
	}
}

// sendMuch sends more than most systems' buffers hold.
func sendMuch(c *molva.Conn) {
	for range 2 << 10 {
		c.Send(sixteenKB)
	}
}

func TestStatsOfStalledClients(t *testing.T) {
	onEveryFront(t, func(t *testing.T, start func(*molva.Server) net.Addr) {
		srv := &molva.Server{
			Slow:     molva.SlowRefuse,
			Timeouts: molva.Timeouts{Write: 200 * time.Millisecond},
			OnOpen: func(c *molva.Conn) {
				go func() { // what a callback on a loop sends goes out once it has returned
					for c.Write(t.Context(), sixteenKB) == nil {
					}
				}()
			},
		}
		wantStatus(t, start(srv), nil, http.StatusSwitchingProtocols) // never reads
		wantStats(t, srv, func(s molva.Stats) bool { return s.Slow.Stalled == 1 && s.Slow.Closed == 0 && s.Conns == 0 })
	})
}

func TestStatsOfLoops(t *testing.T) {
	lost := make(chan struct{})
	srv := &molva.Server{OnMessage: func(c *molva.Conn, m molva.Message) {
		<-lost // blocks the loop for long enough to lose it
		c.Send(m)
	}}
	if s := srv.Stats(); s != (molva.Stats{}) {
		t.Errorf("before anything has happened: %+v", s)
	}
	l := listen(t, "tcp", "127.0.0.1:0")
	serve(t, l, srv)
	c := dialListener(t, l.Addr())
	if runtime.GOOS != "linux" {
		close(lost)
		wantEcho(t, c)
		t.Skip("no event loops here")
	}
	c.Send(molva.Text("block"))
	ok := within(peerPatience, func() bool { s := srv.Stats().Loops; return s.Turns > 0 && s.Handovers > 0 })
	close(lost)
	if !ok {
		t.Errorf("stats are %+v", srv.Stats())
	}
	wantMessage(t, c, "block")
}

// TestStatsFromManyGoroutines reads all that is counted while connections come and go.
func TestStatsFromManyGoroutines(t *testing.T) {
	onEveryEcho(t, func(t *testing.T, start func(*molva.Server) net.Addr) {
		srv := &molva.Server{Admission: molva.Admission{Conns: 100, ConnsPerAddr: 100, Handshakes: 1e6}}
		addr := start(srv)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 200 {
				srv.Stats()
				srv.Queued()
			}
		}()
		for range 20 {
			c, _ := wantStatus(t, addr, nil, http.StatusSwitchingProtocols)
			wantEcho(t, c)
			c.CloseNow()
		}
		<-done
		wantStats(t, srv, func(s molva.Stats) bool { return s.Conns == 0 && s.Openings == 0 && s.Handshakes == 20 })
	})
}
