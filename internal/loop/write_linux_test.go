package loop

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/molva-ws/molva/internal/buffer"
)

// pair returns a connection on a loop, with the handler that open returns, and its peer.
func pair(t testing.TB, cfg GroupConfig, open func(Conn) Handler) (Conn, net.Conn) {
	t.Helper()
	conns := make(chan Conn, 1)
	_, address := serve(t, cfg, func(c Conn) Handler {
		h := open(c)
		conns <- c
		return h
	})
	nc := dial(t, address)
	return receive(t, conns, "open"), nc
}

func silent(Conn) Handler { return &calls{} }

func frameOf(s string) *Frame {
	b := buffer.Get(len(s))
	b.Append([]byte(s))
	return NewFrame(b)
}

func TestMessagesOfOneTurnLeaveTogether(t *testing.T) {
	// Who takes the loop over from a callback sends what it has sent until then.
	_, nc := pair(t, GroupConfig{Loops: 1, Blocked: time.Hour}, func(c Conn) Handler {
		return &calls{data: func(p []byte) {
			f := frameOf("frame ")
			c.Send(MakeHead([]byte("one ")), []byte("two "), Normal)
			c.SendFrame(f, Normal)
			c.Send(Head{}, []byte("three"), Normal)
			f.Release()
		}}
	})
	io.WriteString(nc, "go")
	got := make([]byte, 100)
	n, err := nc.Read(got)
	if want := "one two frame three"; err != nil || string(got[:n]) != want {
		t.Errorf("got %q, %v", got[:n], err)
	}
}

func TestLoopLeavesTheSocketToWhoeverWrites(t *testing.T) {
	c, _ := pair(t, GroupConfig{Loops: 1}, silent)
	wrote := inLoop(c, func(s *sock) bool {
		s.writing = true
		s.queue.add(Head{}, []byte("behind what is being written"), Normal)
		s.loop.flush(s)
		s.writing = false
		return s.queue.empty()
	})
	if wrote {
		t.Error("the loop wrote, too")
	}
}

// What one turn does not write is left to the next, and to nobody else: a connection must not come twice into the
// mailbox.
func TestFlushGoesOnInTheNextTurn(t *testing.T) {
	const frames = maxWrites*maxSlices + 100
	c, nc := pair(t, GroupConfig{Loops: 1}, silent)
	f := frameOf("x")
	defer f.Release()
	mailed := inLoop(c, func(s *sock) bool {
		for range frames {
			s.queue.addFrame(f, Normal)
		}
		s.loop.flush(s)
		return s.mailed && !s.queue.empty()
	})
	if !mailed {
		t.Error("the rest is not in the mailbox")
	}
	if _, err := io.ReadFull(nc, make([]byte, frames)); err != nil {
		t.Error(err)
	}
}

func TestEmptyMessageIsNothing(t *testing.T) {
	c, nc := pair(t, GroupConfig{Loops: 1}, silent)
	c.Send(Head{}, nil, Normal)
	c.Send(Head{}, []byte("x"), Normal)
	if n, err := nc.Read(make([]byte, 10)); n != 1 || err != nil {
		t.Errorf("got %d, %v", n, err)
	}
}

func TestSendersFromManyGoroutinesKeepTheirOrder(t *testing.T) {
	const senders, messages = 8, 400
	c, nc := pair(t, GroupConfig{Loops: 1, Config: Config{Outbox: 64 << 10}}, silent)
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			for i := range messages {
				body := bytes.Repeat([]byte{byte(s)}, (i*i*37)%(3*directSize))
				head := binary.BigEndian.AppendUint32([]byte{byte(s), byte(i >> 8), byte(i)}, uint32(len(body)))
				for err := c.Send(MakeHead(head), body, Normal); err != nil; err = c.Send(MakeHead(head), body, Normal) {
					if err != ErrFull || c.WaitRoom(context.Background(), len(head)+len(body)) != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	defer wg.Wait()
	defer c.Abort(nil)
	var next [senders]int
	head := make([]byte, 7)
	for range senders * messages {
		if _, err := io.ReadFull(nc, head); err != nil {
			t.Fatal(err)
		}
		s, i := int(head[0]), int(head[1])<<8|int(head[2])
		if s >= senders || i != next[s] {
			t.Fatalf("message %d of sender %d, want %d", i, s, next[min(s, senders-1)])
		}
		next[s]++
		body := make([]byte, binary.BigEndian.Uint32(head[3:]))
		if _, err := io.ReadFull(nc, body); err != nil {
			t.Fatal(err)
		}
		if len(bytes.Trim(body, string(rune(s)))) > 0 {
			t.Fatalf("message %d of sender %d is not as it was", i, s)
		}
	}
}

func TestOutboxIsBoundedAndRoomIsAnnounced(t *testing.T) {
	const limit, size = 100 << 10, 1000
	c, nc := pair(t, GroupConfig{Loops: 1, Config: Config{Outbox: limit}}, silent)
	sent := sendUntilFull(t, c, size, Normal)
	if q := c.Queued(); q > limit || q < limit-size-2*pieceCost {
		t.Errorf("%d bytes are queued", q)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := c.WaitRoom(ctx, size); !errors.Is(err, context.Canceled) {
		t.Errorf("WaitRoom: %v", err)
	}
	waited := make(chan error, 1)
	go func() { waited <- c.WaitRoom(context.Background(), size) }()
	if _, err := io.CopyN(io.Discard, nc, int64(sent)*size); err != nil {
		t.Fatal(err)
	}
	if err := receive(t, waited, "room"); err != nil {
		t.Errorf("WaitRoom: %v", err)
	}
	eventually(t, func() bool { return c.Queued() == 0 })
}

func TestFramesAreRefusedLikeOtherMessages(t *testing.T) {
	c, _ := pair(t, GroupConfig{Loops: 1, Config: Config{Outbox: 1000}}, silent)
	wantFramesRefused(t, c)
}

func TestDroppableMessagesMakeRoom(t *testing.T) {
	var dropped atomic.Int64
	cfg := Config{Outbox: 100 << 10, Dropped: func(n int) { dropped.Add(int64(n)) }}
	c, _ := pair(t, GroupConfig{Loops: 1, Config: cfg}, silent)
	body := make([]byte, 1000)
	eventually(t, func() bool {
		for range 1000 {
			if err := c.Send(Head{}, body, Droppable); err != nil {
				t.Fatal(err)
			}
		}
		return dropped.Load() > 1000
	})
	// What the loop is writing at this moment does not count until that has ended.
	eventually(t, func() bool { return c.Queued() <= 100<<10 })
}

// What a full socket has left of the outbox that was being written may be thrown away like what came later.
func TestDroppableMessagesThatWereTakenForWritingMakeRoom(t *testing.T) {
	const limit, size = 100 << 10, 1000
	body := make([]byte, size)
	returned := make(chan struct{})
	c, nc := pair(t, GroupConfig{Loops: 1, Config: Config{Outbox: limit}}, func(c Conn) Handler {
		return &calls{data: func([]byte) {
			for range limit / size { // all of them are taken at once when this returns
				c.Send(Head{}, body, Droppable)
			}
			returned <- struct{}{}
		}}
	})
	for full := false; !full; {
		io.WriteString(nc, "x")
		receive(t, returned, "Data")
		full = inLoop(c, func(s *sock) bool { return s.full && s.queue.size() > limit/2 })
	}
	for range limit / size {
		if err := c.Send(Head{}, body, Droppable); err != nil {
			t.Fatal(err)
		}
	}
	if q := c.Queued(); q > limit {
		t.Errorf("%d bytes are queued, want %d at most", q, limit)
	}
}

// inLoop asks something of a connection between two turns of its loop.
func inLoop[T any](c Conn, ask func(*sock) T) T {
	answer := make(chan T)
	s := c.(*sock)
	s.loop.order(func(*eventLoop) {
		s.mu.Lock()
		a := ask(s)
		s.mu.Unlock()
		answer <- a
	})
	return <-answer
}

func TestPeerThatStopsReadingIsCutOff(t *testing.T) {
	closed := make(chan error, 1)
	cfg := GroupConfig{Loops: 1, Config: Config{WriteTimeout: 200 * time.Millisecond}}
	c, _ := pair(t, cfg, func(Conn) Handler {
		return &calls{closed: func(err error) { closed <- err }}
	})
	began := time.Now()
	c.Send(Head{}, make([]byte, 32<<20), Normal)
	waited := c.WaitRoom(context.Background(), 1)
	if err := receive(t, closed, "Closed"); err != ErrStalled || waited != ErrClosed {
		t.Errorf("Closed(%v), WaitRoom: %v", err, waited)
	}
	if d := time.Since(began); d < 200*time.Millisecond || d > patience/2 {
		t.Errorf("after %v", d)
	}
}

// The peer takes so little that the kernel, which waits for a third of its buffer to be free, does not tell of it
// within the timeout.
func TestPeerThatReadsSlowlyIsServed(t *testing.T) {
	const timeout = 300 * time.Millisecond
	var err error
	for range 10 {
		c, nc := pair(t, GroupConfig{Loops: 1, Config: Config{WriteTimeout: timeout}}, silent)
		c.Send(Head{}, make([]byte, 32<<20), Normal)
		var pause time.Duration
		if pause, err = readSlowly(nc, 4*timeout, timeout/10); err == nil {
			err = c.Send(Head{}, []byte("x"), Urgent)
		}
		if err == nil {
			return
		}
		if pause < timeout/2 {
			break
		}
		t.Logf("the machine has stopped the peer for %v", pause)
	}
	t.Error(err)
}

// readSlowly reads a little at every tick, for so long, and returns how far apart two reads were at most: on a busy
// machine that may be more than was asked for.
func readSlowly(nc net.Conn, whole, every time.Duration) (longest time.Duration, err error) {
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	p := make([]byte, 64<<10)
	began := time.Now()
	for last := began; last.Sub(began) < whole; {
		if _, err := io.ReadFull(nc, p); err != nil {
			return longest, err
		}
		<-ticks.C
		longest = max(longest, time.Since(last))
		last = time.Now()
	}
	return longest, nil
}

func TestSendFromOutsideWakesTheLoop(t *testing.T) {
	c, nc := pair(t, GroupConfig{Loops: 1}, silent)
	p := make([]byte, 1)
	for range 1000 {
		if err := c.Send(Head{}, []byte("x"), Normal); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(nc, p); err != nil {
			t.Fatal(err)
		}
	}
}
