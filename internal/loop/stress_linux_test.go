package loop

import (
	"context"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// population is the connections that are open now, for goroutines that disturb them.
type population struct {
	mu    sync.Mutex
	conns []Conn
}

func (p *population) add(c Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conns = append(p.conns, c); len(p.conns) > 50 {
		p.conns = p.conns[1:] // some of those that stay have ended
	}
}

func (p *population) any() Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.conns) == 0 {
		return nil
	}
	return p.conns[rand.IntN(len(p.conns))]
}

// disturb calls a random method.
func disturb(c Conn, f *Frame) {
	small, large := make([]byte, 100), make([]byte, 2*directSize)
	switch rand.IntN(14) {
	case 0, 1, 2:
		c.Send(MakeHead(small), small, Priority(rand.IntN(3)))
	case 3, 4:
		c.Send(MakeHead(small), large, Priority(rand.IntN(2)))
	case 5, 6:
		c.SendFrame(f, Droppable)
	case 7:
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		c.WaitRoom(ctx, rand.IntN(20_000))
		cancel()
	case 8:
		c.SetTimer(time.Duration(rand.IntN(40)) * time.Millisecond)
	case 9:
		c.Queued()
		c.Idle()
	case 10:
		c.LocalAddr()
		c.RemoteAddr()
	case 11:
		c.Cork()
	case 12:
		if rand.IntN(10) == 0 {
			c.Finish(errTest, time.Duration(rand.IntN(30))*time.Millisecond)
		}
	case 13:
		if rand.IntN(10) == 0 {
			c.Abort(errTest)
		}
	}
}

func TestEverythingAtOnce(t *testing.T) {
	duration := 5 * time.Second
	if testing.Short() {
		duration = time.Second
	}
	frame := frameOf("to all")
	defer frame.Release()
	var all population
	var opened, closed atomic.Int64
	open := func(c Conn) Handler {
		opened.Add(1)
		all.add(c)
		var busy atomic.Bool
		during := func(f func()) {
			if busy.Swap(true) {
				t.Error("callbacks overlap")
			}
			if rand.IntN(50) == 0 {
				time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
			}
			f()
			busy.Store(false)
		}
		return &calls{
			data: func(p []byte) {
				during(func() {
					c.Send(Head{}, p, Droppable)
					disturb(c, frame)
					if rand.IntN(200) == 0 {
						if nc, err := c.(*sock).Detach(); err == nil {
							nc.Close()
							closed.Add(1)
						}
					}
				})
			},
			timer: func() { during(func() { disturb(c, frame) }) },
			closed: func(error) {
				during(func() { disturb(c, frame) })
				closed.Add(1)
			},
		}
	}
	g, err := NewGroup(GroupConfig{
		Loops: 3, Blocked: 300 * time.Microsecond,
		Config: Config{Outbox: 30_000, WriteTimeout: 50 * time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := g.ListenReusePort("tcp", "127.0.0.1:0", false, open)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), duration)
	defer cancel()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				if c := all.any(); c != nil {
					disturb(c, frame)
				}
				time.Sleep(time.Duration(rand.IntN(50)) * time.Microsecond)
			}
		})
	}
	for range 30 {
		wg.Go(func() {
			for ctx.Err() == nil {
				comeAndGo(ln.Addr().String())
			}
		})
	}
	<-ctx.Done()
	g.Close()
	wg.Wait()
	eventually(t, func() bool { return g.Stats().Connections == 0 })
	if opened.Load() != closed.Load() {
		t.Errorf("opened %d, closed %d", opened.Load(), closed.Load())
	}
	t.Logf("opened %d, %+v", opened.Load(), g.Stats())
	if n := frame.refs.Load(); n != 1 {
		t.Errorf("the frame has %d references", n)
	}
}

// comeAndGo is a client that behaves in one of many ways.
func comeAndGo(address string) {
	nc, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer nc.Close()
	nc.(*net.TCPConn).SetLinger(0)
	nc.SetDeadline(time.Now().Add(time.Duration(rand.IntN(200)) * time.Millisecond))
	if rand.IntN(4) > 0 {
		go io.Copy(io.Discard, nc)
	}
	for range rand.IntN(100) {
		if _, err := nc.Write(make([]byte, 1+rand.IntN(1+rand.IntN(40_000)))); err != nil {
			return
		}
	}
	if rand.IntN(2) == 0 {
		nc.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, nc)
	}
}

// Every connection counts what it gets; Data blocks now and then, around the time at which loops are taken over.
func TestCallbacksNeverOverlapThroughTakeovers(t *testing.T) {
	messages := 300
	if testing.Short() {
		messages = 60
	}
	type state struct {
		busy  atomic.Bool
		next  uint32 // guarded by law 2 alone, which the race detector checks
		bytes []byte
	}
	g, address := serve(t, GroupConfig{Loops: 2, Blocked: 200 * time.Microsecond}, func(c Conn) Handler {
		s := new(state)
		enter := func() {
			if s.busy.Swap(true) {
				t.Error("callbacks overlap")
			}
		}
		return &calls{
			data: func(p []byte) {
				enter()
				defer s.busy.Store(false)
				s.bytes = append(s.bytes, p...)
				for ; len(s.bytes) >= 4; s.bytes = s.bytes[4:] {
					if n := binary.BigEndian.Uint32(s.bytes); n != s.next {
						t.Errorf("got message %d, want %d", n, s.next)
					}
					s.next++
					c.Send(Head{}, s.bytes[:4], Urgent)
				}
				if rand.IntN(3) == 0 {
					time.Sleep(time.Duration(rand.IntN(600)) * time.Microsecond)
				}
				if rand.IntN(10) == 0 {
					c.SetTimer(time.Duration(rand.IntN(30)) * time.Millisecond)
				}
			},
			timer:  func() { enter(); time.Sleep(300 * time.Microsecond); s.busy.Store(false) },
			closed: func(error) { enter() },
		}
	})
	var wg sync.WaitGroup
	for range 40 {
		nc := dial(t, address)
		wg.Go(func() {
			for i := range messages {
				nc.Write(binary.BigEndian.AppendUint32(nil, uint32(i)))
				if i%4 != 3 {
					continue
				}
				p := make([]byte, 16)
				if _, err := io.ReadFull(nc, p); err != nil || binary.BigEndian.Uint32(p[12:]) != uint32(i) {
					t.Errorf("message %d: %v", i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if s := g.Stats(); s.Handovers == 0 {
		t.Errorf("nothing was taken over: %+v", s)
	} else {
		t.Logf("%+v", s)
	}
}
