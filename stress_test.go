package molva_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/molva-ws/molva"
)

// TestEveryMethodFromEveryGoroutine calls all there is to call while connections come and go. It looks for what the
// race detector finds, for deadlocks, and for an OnClose that is missing.
func TestEveryMethodFromEveryGoroutine(t *testing.T) {
	forEngines(t, func(t *testing.T, e molva.Engine) {
		for name, slow := range map[string]molva.SlowPolicy{
			"close": molva.SlowClose, "refuse": molva.SlowRefuse, "drop oldest": molva.SlowDropOldest,
		} {
			t.Run(name, func(t *testing.T) { stress(t, e, slow) })
		}
	})
}

func stress(t *testing.T, e molva.Engine, slow molva.SlowPolicy) {
	var opened, closed atomic.Int64
	srv := &molva.Server{
		Engine:      e,
		Limits:      molva.Limits{Outbox: 32 << 10},
		Slow:        slow,
		Compression: molva.Compression{Enabled: true, Takeover: true, MinSize: 64},
		Timeouts:    molva.Timeouts{Close: 100 * time.Millisecond},
		OnUpgrade:   func(u *molva.Upgrade) error { u.User = "anna"; return nil },
		OnOpen:      func(c *molva.Conn) { opened.Add(1); c.Join("room") },
		OnMessage:   func(c *molva.Conn, m molva.Message) { c.Send(m) },
		OnClose:     func(*molva.Conn, error) { closed.Add(1) },
	}
	addr := start(t, srv)
	until, stop := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer stop()
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			for until.Err() == nil {
				disturbServer(srv)
			}
		})
		running.Go(func() {
			for again := true; again; again = until.Err() == nil { // once at least, however late it comes to run
				useAll(t, addr)
			}
		})
	}
	running.Wait()
	if err := srv.Shutdown(inTime(t)); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if o, c := opened.Load(), closed.Load(); o != c || o == 0 {
		t.Errorf("%d connections were opened, %d closed", o, c)
	}
}

func disturbServer(srv *molva.Server) {
	prepared, _ := molva.Prepare(molva.Binary(make([]byte, rand.IntN(1000))))
	srv.Publish("room", molva.Text("published"))
	srv.SendUser("anna", molva.Text("to anna"))
	srv.Broadcast(molva.Binary(make([]byte, 100)))
	srv.Members("room")
	srv.ConnsOf("anna")
	for _, c := range srv.Conns() {
		c.SendPrepared(prepared)
		disturb(c, rand.IntN(20))
	}
}

// disturb calls one of the methods that work on every connection.
func disturb(c *molva.Conn, n int) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	switch n {
	case 0:
		c.Write(ctx, molva.Text("written"))
	case 1:
		c.Ping(ctx)
	case 2:
		if w, err := c.Writer(ctx, molva.TypeBinary); err == nil {
			w.Write(make([]byte, 200))
			w.Write(make([]byte, 200))
			w.Close()
		}
	case 3:
		c.SetUser("bert")
	case 4:
		c.SetUser("anna")
	case 5:
		c.SetValue(n)
	case 6:
		c.Value()
	case 7:
		c.Join("other room")
	case 8:
		c.Leave("room")
	case 9:
		c.Publish("room", molva.Text("from one"))
	case 10:
		c.Err()
		c.Done()
		c.User()
		c.Subprotocol()
		c.NetConn()
	case 11:
		c.RemoteAddr()
		c.LocalAddr()
	case 12:
		if rand.IntN(20) == 0 {
			c.Close(molva.CloseNormal, "enough")
		}
	case 13:
		if rand.IntN(20) == 0 {
			c.CloseNow()
		}
	default:
		c.Send(molva.Text("sent"))
	}
}

// useAll is a client that does everything a client can, from several goroutines at once.
func useAll(t *testing.T, addr string) {
	c, _, err := molva.Dial(inTime(t), "ws://"+addr, &molva.DialOptions{
		Compression: molva.Compression{Enabled: true, Takeover: true, MinSize: 64},
		Timeouts:    molva.Timeouts{Close: 100 * time.Millisecond},
	})
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) {
		return // disturbServer has called CloseNow before the answer to the handshake had left
	}
	if err != nil {
		t.Error(err)
		return
	}
	defer c.CloseNow()
	var running sync.WaitGroup
	for range 2 {
		running.Go(func() {
			for i := range 40 {
				disturb(c, i%20)
			}
		})
		running.Go(func() {
			for range 20 {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(2000))*time.Microsecond)
				if rand.IntN(2) == 0 {
					c.Read(ctx)
				} else if _, r, err := c.Reader(ctx); err == nil {
					r.Read(make([]byte, 3))
				}
				for range c.Messages(ctx) {
					break
				}
				cancel()
			}
		})
	}
	running.Wait()
	if rand.IntN(2) == 0 {
		c.Close(molva.CloseNormal, "")
	}
}
