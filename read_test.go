package molva_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/molva-ws/molva"
)

// rawServer returns a client and the raw server at its other end.
func rawServer(t testing.TB, opts *molva.DialOptions) (*molva.Conn, *peer) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conns := make(chan *molva.Conn, 1)
	go func() {
		c, _, err := molva.Dial(context.Background(), "ws://"+l.Addr().String(), opts)
		if err != nil {
			t.Error(err)
		}
		conns <- c
	}()
	p := acceptPeer(t, l, config{})
	c := <-conns
	t.Cleanup(c.CloseNow)
	return c, p
}

func TestReadCancelledInMidFrameGoesOn(t *testing.T) {
	c, p := rawServer(t, nil)
	message := strings.Repeat("word ", 2000)
	bytes := p.encode(textFrame(message))
	for rest := bytes; len(rest) > 0; {
		n := min(997, len(rest))
		p.write(rest[:n], 0)
		rest = rest[n:]
		if len(rest) == 0 {
			break
		}
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Millisecond)
		if _, err := c.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Read of half a message: %v", err)
		}
		cancel()
	}
	wantMessage(t, c, message)
	if err := c.Err(); err != nil {
		t.Errorf("the connection has ended: %v", err)
	}
}

func TestReadsCancelledAtAnyMomentLoseNothing(t *testing.T) {
	const messages = 500
	server, client := accepted(t, nil, nil)
	go func() {
		for i := range messages {
			client.Write(context.Background(), molva.Text(fmt.Sprint(i, strings.Repeat(" ", i%7*1000))))
		}
	}()
	cancelled := 0
	for i := 0; i < messages || cancelled == 0; { // when all has come, the next one can only be cancelled
		ctx, cancel := context.WithCancel(context.Background())
		go cancel()
		m, err := server.Read(ctx)
		if errors.Is(err, context.Canceled) {
			cancelled++
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(m.String()); got != fmt.Sprint(i) {
			t.Fatalf("got message %s, want %d", got, i)
		}
		i++
	}
}

func TestConcurrentReadersShareTheMessages(t *testing.T) {
	const messages = 1000
	server, client := accepted(t, nil, nil)
	seen := make(chan int, messages)
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			for {
				m, err := server.Read(context.Background())
				if err != nil {
					return
				}
				seen <- len(m.Data)
			}
		})
	}
	for range messages {
		client.Write(inTime(t), molva.Text("message"))
	}
	client.Close(molva.CloseNormal, "")
	running.Wait()
	if len(seen) != messages {
		t.Errorf("%d messages were read, want %d", len(seen), messages)
	}
}

func TestReaderGivesWhatArrivesAsItArrives(t *testing.T) {
	c, p := rawServer(t, nil)
	p.send(textFrame("first ").unfinished())
	typ, r, err := c.Reader(inTime(t))
	if err != nil || typ != molva.TypeText {
		t.Fatalf("Reader: %v, %v", typ, err)
	}
	piece := make([]byte, 100)
	n, err := r.Read(piece)
	if err != nil || string(piece[:n]) != "first " {
		t.Fatalf("the first piece is %q, %v", piece[:n], err)
	}
	p.send(pingFrame("between"), continuationFrame("second"))
	if rest := drainReader(t, r); rest != "second" {
		t.Errorf("the rest is %q", rest)
	}
	p.want(pongFrame("between"))
	if _, err := r.Read(piece); err != io.EOF {
		t.Errorf("after the end comes %v", err)
	}
}

func TestReaderLeftHalfWay(t *testing.T) {
	cases := map[string]struct {
		send []frame
		then frame
	}{
		"with fragments to come": {[]frame{textFrame("abc").unfinished(), continuationFrame("def")}, textFrame("next")},
		"with all of it here":    {[]frame{textFrame("abcdef")}, textFrame("XXXXXX")},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			conn, p := rawServer(t, nil)
			p.send(append(c.send, c.then)...)
			_, r, err := conn.Reader(inTime(t))
			if err != nil {
				t.Fatal(err)
			}
			two := make([]byte, 2)
			if _, err := io.ReadFull(r, two); err != nil || string(two) != "ab" {
				t.Fatalf("the first two bytes are %q, %v", two, err)
			}
			wantMessage(t, conn, string(c.then.payload))
			if n, err := r.Read(two); err != io.ErrUnexpectedEOF {
				t.Errorf("the reader of the message that was left gives %q, %v", two[:n], err)
			}
		})
	}
}

func TestReaderThatWasReadToTheEndStaysAtItsEnd(t *testing.T) {
	c, p := rawServer(t, nil)
	p.send(textFrame("one"), textFrame("two"))
	_, r, err := c.Reader(inTime(t))
	if err != nil {
		t.Fatal(err)
	}
	if got := drainReader(t, r); got != "one" {
		t.Errorf("got %q", got)
	}
	wantMessage(t, c, "two")
	if _, err := r.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("after the end comes %v", err)
	}
}

func TestReaderGoesOnAfterItsSkippingWasCancelled(t *testing.T) {
	c, p := rawServer(t, nil)
	p.send(textFrame("half").unfinished())
	if _, _, err := c.Reader(inTime(t)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Millisecond)
	defer cancel()
	if _, err := c.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Read: %v", err)
	}
	p.send(continuationFrame("half"), textFrame("next"))
	wantMessage(t, c, "next")
}

func TestMessagesLeftEarlyGoOnWithRead(t *testing.T) {
	c, p := rawServer(t, nil)
	p.send(textFrame("1"), textFrame("2"), textFrame("3"), textFrame("4"))
	for m, err := range c.Messages(inTime(t)) {
		if err != nil {
			t.Fatal(err)
		}
		if m.String() == "2" {
			break
		}
	}
	wantMessage(t, c, "3")
	for m, err := range c.Messages(inTime(t)) {
		if err != nil || m.String() != "4" {
			t.Errorf("got %q, %v", m, err)
		}
		break
	}
	p.send(textFrame("5"))
	wantMessage(t, c, "5")
}

func TestMessagesEndsWithTheContext(t *testing.T) {
	c, p := rawServer(t, nil)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	p.send(textFrame("1"))
	var last error
	for m, err := range c.Messages(ctx) {
		if last = err; err == nil && m.String() == "1" {
			cancel()
		}
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("it ended with %v", last)
	}
	p.send(textFrame("2"))
	wantMessage(t, c, "2")
}

func TestReadingMethodsLeaveCallbacksAlone(t *testing.T) {
	forEngines(t, func(t *testing.T, e molva.Engine) {
		errs := make(chan error, 3)
		addr := start(t, &molva.Server{Engine: e, OnOpen: func(c *molva.Conn) {
			_, err := c.Read(context.Background())
			errs <- err
			_, _, err = c.Reader(context.Background())
			errs <- err
			for _, err := range c.Messages(context.Background()) {
				errs <- err
			}
		}})
		dial(t, addr, nil)
		for range 3 {
			if err := got(t, errs, "an error"); err != molva.ErrCallbacks {
				t.Errorf("got %v, want ErrCallbacks", err)
			}
		}
	})
}
