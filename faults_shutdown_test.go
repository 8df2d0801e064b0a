package molva_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/molva-ws/molva"
)

// pushed counts the messages that a server's connections have accepted of their own accord, and as echoes.
type pushed struct {
	running sync.WaitGroup
	sent    sync.Map // by user: *accepts
}

// accepts is what one connection's Send has returned nil for. Each of the two has one writer.
type accepts struct{ pushes, echoes atomic.Int64 }

// load is the server under load: it pushes numbered binary messages to each connection without a pause, as many as the
// outbox takes, and echoes what comes.
func (p *pushed) load(e molva.Engine) *molva.Server {
	return &molva.Server{
		Engine:    e,
		Slow:      molva.SlowRefuse,
		Limits:    molva.Limits{Outbox: 32 << 10},
		Timeouts:  molva.Timeouts{Close: peerPatience}, // there is much in the system's buffers to read before the end
		OnUpgrade: func(u *molva.Upgrade) error { u.User = u.URL.Query().Get("user"); return nil },
		OnOpen: func(c *molva.Conn) {
			a := new(accepts)
			c.SetValue(a)
			p.sent.Store(c.User(), a)
			p.running.Go(func() { push(c, &a.pushes) })
		},
		OnMessage: func(c *molva.Conn, m molva.Message) {
			if c.Send(m) == nil {
				c.Value().(*accepts).echoes.Add(1)
			}
		},
	}
}

// push sends numbered messages until the connection is closed.
func push(c *molva.Conn, accepted *atomic.Int64) {
	for {
		switch err := c.Send(numbered(int(accepted.Load()))); {
		case err == nil:
			accepted.Add(1)
		case !errors.Is(err, molva.ErrBufferFull):
			return
		}
		if accepted.Load()%10 == 0 {
			time.Sleep(time.Millisecond) // or the clients would get no time
		}
	}
}

// loadedClient is one of many clients.
type loadedClient struct {
	*molva.Conn
	pushes, echoes int64
}

// send asks for echoes until the connection is closed.
func (c *loadedClient) send() {
	for c.Write(context.Background(), molva.Text("echo this")) == nil {
		time.Sleep(time.Millisecond)
	}
}

// read reads to the end, which it returns.
func (c *loadedClient) read(t *testing.T) error {
	ctx := inTime(t)
	for {
		m, err := c.Read(ctx)
		switch {
		case err != nil:
			return err
		case m.Type == molva.TypeText:
			c.echoes++
		default:
			if n := int64(binary.BigEndian.Uint32(m.Data)); n != c.pushes {
				return fmt.Errorf("push %d comes after %d others", n, c.pushes)
			}
			c.pushes++
		}
	}
}

// TestShutdownUnderLoad stops a server in the middle of sending and receiving. Each client has to see 1001, and before
// it every message that Send has accepted. Every second one does not read until then, so that its outbox is full.
func TestShutdownUnderLoad(t *testing.T) {
	const clients = 20
	forEngines(t, func(t *testing.T, e molva.Engine) {
		var p pushed
		srv := p.load(e)
		addr := start(t, srv)
		var reading sync.WaitGroup
		var total, waited atomic.Int64
		stopping := make(chan struct{})
		for i := range clients {
			user := string(rune('A' + i))
			conn, _, err := molva.Dial(inTime(t), "ws://"+addr+"/?user="+user, nil)
			if err != nil {
				t.Fatal(err)
			}
			c := &loadedClient{Conn: conn}
			reading.Go(c.send)
			reading.Go(func() {
				defer c.CloseNow()
				if i%2 == 1 {
					<-stopping
				}
				wantEnd(t, c.read(t), molva.CloseGoingAway, true)
				sent, _ := p.sent.Load(user)
				a := sent.(*accepts)
				if c.pushes != a.pushes.Load() || c.echoes != a.echoes.Load() {
					t.Errorf("%q got %d pushes and %d echoes, accepted were %d and %d",
						user, c.pushes, c.echoes, a.pushes.Load(), a.echoes.Load())
				}
				total.Add(c.pushes + c.echoes)
			})
		}
		full := func() bool {
			waited.Store(srv.Queued())
			return srv.Stats().Slow.Refused > 0 && waited.Load() > clients/2*20<<10
		}
		if !within(peerPatience, full) {
			t.Fatalf("only %d bytes wait in the outboxes", waited.Load())
		}
		begun := time.Now()
		time.AfterFunc(100*time.Millisecond, func() { close(stopping) })
		if err := srv.Shutdown(inTime(t)); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		took := time.Since(begun)
		p.running.Wait()
		reading.Wait()
		t.Logf("%d messages to %d clients, none lost, %d bytes waited; Shutdown took %v",
			total.Load(), clients, waited.Load(), took.Round(time.Millisecond))
	})
}

// TestShutdownPace has clients count the close frames that come.
func TestShutdownPace(t *testing.T) {
	const clients, pace = 21, 100
	forEngines(t, func(t *testing.T, e molva.Engine) {
		srv := &molva.Server{Engine: e, ShutdownPace: pace, OnMessage: answer}
		addr := start(t, srv)
		ends := make(chan error, clients)
		for range clients {
			c := dial(t, addr, nil)
			go func() {
				_, err := c.Read(inTime(t))
				ends <- err
			}()
		}
		if !within(peerPatience, func() bool { return srv.Stats().Conns == clients }) {
			t.Fatalf("%d connections are open", srv.Stats().Conns)
		}
		begun := time.Now()
		if err := srv.Shutdown(inTime(t)); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		took := time.Since(begun)
		for range clients {
			wantEnd(t, got(t, ends, "the end"), molva.CloseGoingAway, true)
		}
		t.Logf("%d clients at %d a second: %v", clients, pace, took.Round(time.Millisecond))
		if least := (clients - 1) * time.Second / pace; took < least {
			t.Errorf("Shutdown took %v, want %v at least", took, least)
		}
	})
}

// pipedOnce may be closed more than once, as a listener of the net package.
type pipedOnce struct {
	piped
	once sync.Once
}

func (l *pipedOnce) Close() error {
	l.once.Do(func() { l.piped.Close() })
	return nil
}

// pacedServer returns a server in a bubble, with clients that read to their end and tell when it came.
func pacedServer(t *testing.T, srv *molva.Server, clients int) (ends <-chan time.Time) {
	t.Helper()
	l := &pipedOnce{piped: piped{make(chan net.Conn), make(chan struct{})}}
	stopped := make(chan error, 1)
	go func() { stopped <- srv.Serve(l) }()
	all := make(chan time.Time, clients)
	for range clients {
		c, _, err := molva.Dial(t.Context(), "ws://pipe/", &molva.DialOptions{DialContext: l.dial})
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			c.Read(context.Background())
			all <- time.Now()
		}()
	}
	synctest.Wait() // until the server has them all
	return all
}

// TestShutdownPaceIsExact runs in a bubble, where time passes only while everybody waits.
func TestShutdownPaceIsExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := &molva.Server{Engine: molva.EnginePortable, ShutdownPace: 4}
		ends := pacedServer(t, srv, 6)
		begun := time.Now()
		if err := srv.Shutdown(t.Context()); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		synctest.Wait()
		for i := range 6 {
			if after := (<-ends).Sub(begun); after != time.Duration(i)*250*time.Millisecond {
				t.Errorf("client %d was closed after %v", i, after)
			}
		}
	})
}

// TestShutdownPaceEndsWithTheContext cuts those whose turn has not come.
func TestShutdownPaceEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := &molva.Server{Engine: molva.EnginePortable, ShutdownPace: 1}
		ends := pacedServer(t, srv, 10)
		begun := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		if err := srv.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Shutdown: %v", err)
		}
		synctest.Wait()
		for i := range 10 {
			want := min(time.Duration(i)*time.Second, 2500*time.Millisecond)
			if after := (<-ends).Sub(begun); after != want {
				t.Errorf("client %d was gone after %v, want %v", i, after, want)
			}
		}
	})
}
