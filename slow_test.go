package molva_test

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/wire"
)

// stuck returns a server's connection whose client does not read, and the client.
func stuck(t *testing.T, e molva.Engine, slow molva.SlowPolicy) (*molva.Server, *molva.Conn, *peer, <-chan error) {
	t.Helper()
	opened, closed := make(chan *molva.Conn, 2), make(chan error, 2)
	srv := &molva.Server{
		Engine: e,
		Limits: molva.Limits{Outbox: 64 << 10},
		Slow:   slow,
		// The client takes its time when at last it reads.
		Timeouts: molva.Timeouts{Close: peerPatience, Write: peerPatience},
		OnOpen:   func(c *molva.Conn) { opened <- c },
		OnClose:  func(_ *molva.Conn, err error) { closed <- err },
	}
	p := dialPeer(t, start(t, srv), config{})
	return srv, got(t, opened, "OnOpen"), p, closed
}

func numbered(i int) molva.Message {
	data := make([]byte, 1000)
	binary.BigEndian.PutUint32(data, uint32(i))
	return molva.Binary(data)
}

// fill sends until the outbox is full, and returns how many messages it took.
func fill(t *testing.T, c *molva.Conn) int {
	t.Helper()
	for i := 0; ; i++ {
		switch err := c.Send(numbered(i)); {
		case errors.Is(err, molva.ErrBufferFull):
			return i
		case err != nil || i > 1<<20:
			t.Fatalf("message %d: %v", i, err)
		}
	}
}

// wantNumbered reads messages until a close frame and returns their numbers.
func wantNumbered(p *peer) (numbers []int) {
	p.Helper()
	for {
		f := p.read("a message")
		if f.op == wire.OpClose {
			return numbers
		}
		numbers = append(numbers, int(binary.BigEndian.Uint32(f.payload)))
	}
}

func TestSlowClientIsClosed(t *testing.T) {
	forEngines(t, func(t *testing.T, e molva.Engine) {
		_, c, p, closed := stuck(t, e, molva.SlowClose)
		sent := fill(t, c)
		if err := c.Send(molva.Text("more")); err != molva.ErrClosed {
			t.Errorf("Send after that: %v", err)
		}
		if n := len(wantNumbered(p)); n != sent {
			t.Errorf("%d messages came, %d were accepted", n, sent)
		}
		p.wantEnd()
		p.conn.Close()
		err := got(t, closed, "OnClose")
		wantEnd(t, err, molva.ClosePolicyViolation, false)
		if !errors.Is(err, molva.ErrBufferFull) {
			t.Errorf("the cause is not ErrBufferFull: %v", err)
		}
	})
}

func TestSlowClientIsRefused(t *testing.T) {
	forEngines(t, func(t *testing.T, e molva.Engine) {
		srv, c, p, closed := stuck(t, e, molva.SlowRefuse)
		sent := fill(t, c)
		// The system may yet take some of the outbox, which leaves room: then a message is accepted.
		for n := -1; n != 0; sent += n {
			var err error
			if n, err = srv.Broadcast(numbered(0)); err != nil || sent > 1<<20 {
				t.Fatalf("Broadcast reached %d, %v, after %d messages", n, err, sent)
			}
		}
		go c.Close(molva.CloseNormal, "")
		numbers := wantNumbered(p)
		if len(numbers) != sent {
			t.Errorf("%d messages came, %d were accepted", len(numbers), sent)
		}
		p.send(closeFrame(molva.CloseNormal, ""))
		p.wantEnd()
		p.conn.Close()
		wantEnd(t, got(t, closed, "OnClose"), molva.CloseNormal, false)
	})
}

func TestSlowClientLosesTheOldest(t *testing.T) {
	forEngines(t, func(t *testing.T, e molva.Engine) {
		srv, c, p, _ := stuck(t, e, molva.SlowDropOldest)
		messages := 0
		for srv.Stats().Slow.Dropped < 1000 {
			if err := c.Send(numbered(messages)); err != nil || messages > 1<<20 {
				t.Fatalf("message %d: %v", messages, err)
			}
			messages++
		}
		go c.Close(molva.CloseNormal, "")
		numbers := wantNumbered(p)
		for i := 1; i < len(numbers); i++ {
			if numbers[i] <= numbers[i-1] {
				t.Fatalf("message %d comes after %d", numbers[i], numbers[i-1])
			}
		}
		if last := numbers[len(numbers)-1]; last != messages-1 {
			t.Errorf("the last message is %d, want %d", last, messages-1)
		}
		if len(numbers) == messages {
			t.Error("nothing was dropped")
		}
		p.send(closeFrame(molva.CloseNormal, ""))
	})
}

func TestSlowClientHoldsNobodyUp(t *testing.T) {
	forEngines(t, func(t *testing.T, e molva.Engine) {
		srv, _, _, _ := stuck(t, e, molva.SlowRefuse)
		addr := start(t, srv)
		quick := dial(t, addr, nil)
		if !within(peerPatience, func() bool { return len(srv.Conns()) == 2 }) {
			t.Fatal("the second connection was not opened")
		}
		for i := range 2000 {
			srv.Broadcast(numbered(i))
			m, err := quick.Read(inTime(t))
			if err != nil || binary.BigEndian.Uint32(m.Data) != uint32(i) {
				t.Fatalf("message %d: %v", i, err)
			}
		}
	})
}
