package molva_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/wire"
)

func openWriter(t testing.TB, c *molva.Conn, ctx context.Context) io.WriteCloser {
	t.Helper()
	w, err := c.Writer(ctx, molva.TypeText)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestWriterSendsFragmentsAndOthersWait(t *testing.T) {
	c, p := rawServer(t, nil)
	w := openWriter(t, c, inTime(t))
	io.WriteString(w, "one ")
	c.Send(molva.Text("after 1"))
	prepared, _ := molva.Prepare(molva.Text("after 2"))
	c.SendPrepared(prepared)
	if _, err := c.Writer(inTime(t), molva.TypeText); err != molva.ErrWriterOpen {
		t.Errorf("a second Writer: %v", err)
	}
	io.WriteString(w, "two")
	if n, err := w.Write(nil); n != 0 || err != nil {
		t.Errorf("Write of nothing: %d, %v", n, err)
	}
	if err := w.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	p.want(textFrame("one ").unfinished(), continuationFrame("two").unfinished(), continuationFrame(""),
		textFrame("after 1"), textFrame("after 2"))
	if err := w.Close(); err != nil {
		t.Errorf("Close again: %v", err)
	}
	if _, err := io.WriteString(w, "late"); err != molva.ErrClosed {
		t.Errorf("Write after Close: %v", err)
	}
	c.Send(molva.Text("direct"))
	p.want(textFrame("direct"))
}

func TestPingsAreAnsweredBetweenFragments(t *testing.T) {
	c, p := rawServer(t, nil)
	go c.Read(context.Background())
	w := openWriter(t, c, inTime(t))
	io.WriteString(w, "one")
	p.send(pingFrame("now"))
	p.want(textFrame("one").unfinished(), pongFrame("now"))
	w.Close()
	p.want(continuationFrame(""))
}

func TestWriteWaitsForAnOpenWriter(t *testing.T) {
	c, p := rawServer(t, &molva.DialOptions{Limits: molva.Limits{Outbox: 1000}})
	w := openWriter(t, c, inTime(t))
	c.Send(molva.Text("first, always admitted"))
	for c.Send(molva.Binary(make([]byte, 100))) == nil {
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancelled := make(chan error, 1)
	go func() { cancelled <- c.Write(ctx, molva.Binary(make([]byte, 1000))) }()
	cancel()
	if err := got(t, cancelled, "the end of Write"); !errors.Is(err, context.Canceled) {
		t.Errorf("Write returned %v", err)
	}
	written := make(chan error, 1)
	go func() { written <- c.Write(context.Background(), molva.Text("last")) }()
	w.Close()
	if err := got(t, written, "the end of Write"); err != nil {
		t.Errorf("Write returned %v", err)
	}
	for p.read("the last message").op != wire.OpText {
	}
	for {
		if f := p.read("the last message"); string(f.payload) == "last" {
			break
		}
	}
}

// Each sender's messages keep their order while Writers open and close.
func TestWriterKeepsTheOrderOfOtherSenders(t *testing.T) {
	const senders, each = 4, 300
	server, client := accepted(t, nil, &molva.DialOptions{Limits: molva.Limits{Outbox: 32 << 20}})
	stop := make(chan struct{})
	var writing, sending sync.WaitGroup
	writing.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			w, err := client.Writer(context.Background(), molva.TypeBinary)
			if err != nil {
				return
			}
			w.Write([]byte("fragment"))
			w.Close()
		}
	})
	for sender := range senders {
		sending.Go(func() {
			for i := range each {
				if err := client.Write(context.Background(), molva.Text(fmt.Sprint(sender, " ", i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	next := make([]int, senders)
	for texts := 0; texts < senders*each; {
		m, err := server.Read(inTime(t))
		if err != nil {
			t.Fatal(err)
		}
		if m.Type != molva.TypeText {
			continue
		}
		texts++
		var sender, i int
		fmt.Sscan(m.String(), &sender, &i)
		if i != next[sender] {
			t.Fatalf("message %d of sender %d came when %d was due", i, sender, next[sender])
		}
		next[sender]++
	}
	sending.Wait()
	close(stop)
	client.CloseNow()
	writing.Wait()
}

func TestWriterSaysThatTheConnectionHasEnded(t *testing.T) {
	c, _ := rawServer(t, nil)
	w := openWriter(t, c, inTime(t))
	c.CloseNow()
	if n, err := io.WriteString(w, "late"); n != 0 || err != molva.ErrClosed {
		t.Errorf("Write: %d, %v", n, err)
	}
	if err := w.Close(); err != molva.ErrClosed {
		t.Errorf("Close: %v", err)
	}
}

func TestWriterThatWaitsForRoomSendsEverything(t *testing.T) {
	const fragments, size = 200, 100 << 10
	c, p := rawServer(t, &molva.DialOptions{Limits: molva.Limits{Outbox: 1000}})
	w := openWriter(t, c, inTime(t))
	ended := make(chan error, 1)
	go func() {
		for range fragments {
			if _, err := w.Write(make([]byte, size)); err != nil {
				ended <- err
				return
			}
		}
		ended <- w.Close()
	}()
	for i := range fragments {
		if f := p.read("a fragment"); len(f.payload) != size {
			t.Fatalf("fragment %d has %d bytes", i, len(f.payload))
		}
	}
	p.want(continuationFrame(""))
	if err := got(t, ended, "the end of the writer"); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func TestWriterThatWaitsForRoomEndsWithTheContext(t *testing.T) {
	c, _ := rawServer(t, &molva.DialOptions{Limits: molva.Limits{Outbox: 1000}})
	ctx, cancel := context.WithCancel(context.Background())
	w := openWriter(t, c, ctx)
	sent, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		defer close(sent)
		for {
			if _, err := w.Write(make([]byte, 100<<10)); err != nil {
				ended <- err
				return
			}
			sent <- struct{}{}
		}
	}()
	for full := false; !full; { // the peer does not read
		select {
		case <-sent:
		case <-time.After(250 * time.Millisecond): // the system takes no more
			full = true
		}
	}
	cancel()
	if _, more := <-sent; more {
		t.Error("a fragment that found no room is said to be sent")
		<-sent
	}
	if err := got(t, ended, "the end of Write"); !errors.Is(err, context.Canceled) {
		t.Errorf("Write: %v", err)
	}
}

func TestWriterGivenUp(t *testing.T) {
	t.Run("half-way cuts the connection", func(t *testing.T) {
		c, p := rawServer(t, nil)
		ctx, cancel := context.WithCancel(context.Background())
		w := openWriter(t, c, ctx)
		io.WriteString(w, "half")
		cancel()
		if err := w.Close(); !errors.Is(err, context.Canceled) {
			t.Errorf("Close: %v", err)
		}
		p.want(textFrame("half").unfinished())
		p.wantEnd()
		wantEnd(t, c.Err(), molva.CloseAbnormal, false)
	})
	t.Run("before its first fragment leaves it whole", func(t *testing.T) {
		c, p := rawServer(t, nil)
		ctx, cancel := context.WithCancel(context.Background())
		w := openWriter(t, c, ctx)
		c.Send(molva.Text("next"))
		cancel()
		if err := w.Close(); !errors.Is(err, context.Canceled) {
			t.Errorf("Close: %v", err)
		}
		p.want(textFrame("next"))
	})
}
