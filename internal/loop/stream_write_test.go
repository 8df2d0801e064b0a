package loop

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestMessagesOfManySendersStayWholeAndInOrder(t *testing.T) {
	const senders, each = 8, 400
	for kind, pair := range kinds {
		t.Run(kind, func(t *testing.T) {
			ours, theirs := pair(t)
			s := NewStream(ours, &Config{Outbox: 64 << 10}, nil)
			var running sync.WaitGroup
			for sender := range senders {
				running.Go(func() {
					for i := range each {
						sendNumbered(t, s, sender, i)
					}
				})
			}
			next := make([]int, senders)
			for range senders * each {
				sender, i := readNumbered(t, theirs)
				if i != next[sender] {
					t.Fatalf("message %d of sender %d comes when %d is due", i, sender, next[sender])
				}
				next[sender]++
			}
			running.Wait()
			s.Abort(nil)
		})
	}
}

// sendNumbered sends one message that says who sent it, in one of the ways there are, and waits for room.
func sendNumbered(t *testing.T, s *Stream, sender, i int) {
	body := make([]byte, []int{10, 100, directSize, 3 * directSize}[i%4])
	for j := range body {
		body[j] = byte(sender)
	}
	head := []byte{byte(sender)}
	head = binary.BigEndian.AppendUint32(head, uint32(i))
	head = binary.BigEndian.AppendUint32(head, uint32(len(body)))
	for {
		var err error
		if i%3 == 0 {
			f := shared(string(head) + string(body))
			err = s.SendFrame(f, Normal)
			f.Release()
		} else {
			err = s.Send(MakeHead(head), body, Normal)
		}
		if err == nil {
			return
		}
		if err != ErrFull {
			t.Error(err)
			return
		}
		if err := s.WaitRoom(t.Context(), len(head)+len(body)); err != nil {
			t.Error(err)
			return
		}
	}
}

func readNumbered(t *testing.T, from io.Reader) (sender, i int) {
	t.Helper()
	head := make([]byte, 9)
	if _, err := io.ReadFull(from, head); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, binary.BigEndian.Uint32(head[5:]))
	if _, err := io.ReadFull(from, body); err != nil {
		t.Fatal(err)
	}
	for _, b := range body {
		if b != head[0] {
			t.Fatalf("bytes of sender %d are in a message of sender %d", b, head[0])
		}
	}
	return int(head[0]), int(binary.BigEndian.Uint32(head[1:]))
}

// sendUntilFull sends messages of n bytes to a peer that does not read, until there is no more room between here and
// there, and returns how many it took.
func sendUntilFull(t *testing.T, s Conn, n int, p Priority) int {
	t.Helper()
	for sent := 0; ; sent++ {
		err := s.Send(Head{}, make([]byte, n), p)
		for err == ErrFull {
			if staysFull(t, s, n) {
				return sent
			}
			err = s.Send(Head{}, make([]byte, n), p)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// staysFull reports whether no room for n bytes comes in an outbox that is full. Who writes may just not have been given
// a processor; and the system may take more a little later, as it makes its buffers larger.
func staysFull(t *testing.T, s Conn, n int) bool {
	full := true
	for i := 0; i < 2 && full; i++ { // once for them, once for the system
		ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
		full = s.WaitRoom(ctx, n) != nil && allWait()
		cancel()
	}
	return full
}

// allWait reports whether no goroutine of this package has anything to do but the one that asks.
func allWait() bool {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	_, others, _ := strings.Cut(string(stacks), "\n\n")
	for stack := range strings.SplitSeq(others, "\n\n") {
		head, calls, _ := strings.Cut(stack, "\n")
		busy := strings.Contains(head, "[run") || strings.Contains(head, "[syscall") // running or runnable
		if busy && strings.Contains(calls, "internal/loop") {
			return false
		}
	}
	return true
}

func TestStreamOutboxIsBoundedAndRoomIsAnnounced(t *testing.T) {
	for kind, pair := range kinds {
		t.Run(kind, func(t *testing.T) {
			ours, theirs := pair(t)
			s := NewStream(ours, &Config{Outbox: 10000}, nil)
			sent := sendUntilFull(t, s, 1000, Normal)
			if q := s.Queued(); q > 10000 || q < 8000 {
				t.Errorf("%d bytes are queued when the outbox of 10000 is full", q)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := s.WaitRoom(ctx, 1000); !errors.Is(err, context.Canceled) {
				t.Errorf("WaitRoom with a context that is done returned %v", err)
			}
			room := make(chan error, 1)
			go func() { room <- s.WaitRoom(t.Context(), 1000) }()
			io.CopyN(io.Discard, theirs, int64(sent)*1000)
			if err := <-room; err != nil {
				t.Errorf("WaitRoom returned %v", err)
			}
			if err := s.Drain(t.Context()); err != nil {
				t.Errorf("Drain returned %v", err)
			}
			if q := s.Queued(); q != 0 {
				t.Errorf("%d bytes are queued after Drain", q)
			}
			s.Abort(nil)
		})
	}
}

func TestWaitRoomEndsWithTheConnection(t *testing.T) {
	for name, end := range map[string]func(*Stream){
		"abort":  func(s *Stream) { s.Abort(nil) },
		"finish": func(s *Stream) { s.Finish(nil, time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			ours, _ := tcpPair(t)
			s := NewStream(ours, &Config{Outbox: 1000}, nil)
			sendUntilFull(t, s, 1000, Normal)
			waiting := make(chan error, 1)
			go func() { waiting <- s.WaitRoom(t.Context(), 1000) }()
			for !allWait() {
				time.Sleep(time.Millisecond)
			}
			end(s)
			if err := <-waiting; err != ErrClosed {
				t.Errorf("WaitRoom returned %v", err)
			}
			if err := s.Send(Head{}, []byte("x"), Urgent); err != ErrClosed {
				t.Errorf("Send returned %v", err)
			}
			s.Abort(nil)
		})
	}
}

func TestStreamRefusesFramesLikeOtherMessages(t *testing.T) {
	ours, _ := tcpPair(t)
	s := NewStream(ours, &Config{Outbox: 1000}, nil)
	defer s.Abort(nil)
	wantFramesRefused(t, s)
}

// wantFramesRefused sends frames on a connection with an outbox of 1000 bytes whose peer does not read.
func wantFramesRefused(t *testing.T, c Conn) {
	t.Helper()
	want := func(when string, f *Frame, p Priority, want error) {
		t.Helper()
		if err := c.SendFrame(f, p); err != want {
			t.Errorf("a frame %s got %v, want %v", when, err, want)
		}
	}
	small, large := shared("frame"), shared(string(make([]byte, 900)))
	defer small.Release()
	defer large.Release()
	c.Hold(true)
	want("while messages are held back", small, Normal, ErrHeld)
	want("that passes nevertheless", small, Through, nil)
	c.Hold(false)
	want("after that", small, Normal, nil)
	sendUntilFull(t, c, 900, Normal)
	want("that finds no room", large, Normal, ErrFull)
	c.Finish(nil, time.Hour)
	want("after Finish", small, Urgent, ErrClosed)
}

func TestDropOldestKeepsTheNewest(t *testing.T) {
	ours, theirs := tcpPair(t)
	var dropped atomic.Int64
	s := NewStream(ours, &Config{Outbox: 10000, Dropped: func(n int) { dropped.Add(int64(n)) }}, nil)
	message := make([]byte, 1000)
	messages := uint32(0)
	for ; dropped.Load() < 1000; messages++ { // the system's buffers are full then
		binary.BigEndian.PutUint32(message, messages)
		if err := s.Send(Head{}, message, Droppable); err != nil {
			t.Fatalf("message %d: %v", messages, err)
		}
	}
	s.Finish(nil, streamPatience)
	got := 0
	last := uint32(0)
	for ; ; got++ {
		if _, err := io.ReadFull(theirs, message); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		i := binary.BigEndian.Uint32(message)
		if i <= last && got > 0 {
			t.Fatalf("message %d comes after %d", i, last)
		}
		last = i
	}
	if last != messages-1 {
		t.Errorf("the last message is %d, want %d", last, messages-1)
	}
	if n := int(dropped.Load()); got+n != int(messages) {
		t.Errorf("%d messages came, %d were dropped, %d were sent", got, n, messages)
	}
	s.Abort(nil)
}

func TestDropOldestStaysWithinTheLimitWhileThePeerTakesNothing(t *testing.T) {
	ours, _ := tcpPair(t)
	const limit, size = 10000, 100
	var dropped atomic.Int64
	s := NewStream(ours, &Config{Outbox: limit, Dropped: func(n int) { dropped.Add(int64(n)) }}, nil)
	defer s.Abort(nil)
	// What the system is about to take does not count, but it takes nothing in the end.
	full := func() bool { q := s.Queued(); return q <= limit && q > limit-2*size }
	for deadline := time.Now().Add(streamPatience); dropped.Load() < 1000 || !full(); {
		if err := s.Send(Head{}, make([]byte, size), Droppable); err != nil {
			t.Fatal(err)
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d bytes are queued", s.Queued())
		}
	}
}

func TestPeerThatTakesNothingIsStalled(t *testing.T) {
	for kind, pair := range kinds {
		t.Run(kind, func(t *testing.T) {
			ours, _ := pair(t)
			s := NewStream(ours, &Config{WriteTimeout: 20 * time.Millisecond}, nil)
			h := reactTo(nil)
			go s.Serve(h)
			s.Send(Head{}, make([]byte, 32<<20), Normal)
			h.wantClosed(t, ErrStalled)
		})
	}
}

func TestPeerThatTakesLittleIsNotStalled(t *testing.T) {
	certified := certificate(t)
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		ours, theirs := tlsOver(t, certified, a, b)
		s := NewStream(ours, &Config{WriteTimeout: 4 * time.Second}, nil)
		h := reactTo(nil)
		go s.Serve(h)
		s.Send(Head{}, make([]byte, 200<<10), Normal)
		for range 200 {
			time.Sleep(100 * time.Millisecond)
			wantRead(t, theirs, make([]byte, 1<<10))
		}
		b.Close()
		h.wantClosed(t, io.EOF)
	})
}

// The write deadline of a peer that was slow once must not meet what is written much later.
func TestWriteTimeoutIsOverWithTheWait(t *testing.T) {
	t.Parallel()
	const timeout = 5 * time.Second // for so long no machine keeps the reader from reading
	ours, theirs := tcpPair(t)
	s := NewStream(ours, &Config{WriteTimeout: timeout, Outbox: 64 << 20}, nil)
	big := randomBytes(16 << 20)
	s.Send(Head{}, big, Normal)
	wantRead(t, theirs, big)
	if err := s.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-time.After(timeout + timeout/10)
	if err := s.Send(Head{}, []byte("later"), Normal); err != nil {
		t.Fatal(err)
	}
	wantRead(t, theirs, []byte("later"))
	s.Abort(nil)
}

func TestFailedWriteClosesTheSocketThoughNobodyReads(t *testing.T) {
	ours, theirs := tcpPair(t)
	s := NewStream(ours, new(Config), nil)
	theirs.SetLinger(0)
	theirs.Close()
	deadline := time.Now().Add(streamPatience)
	for ours.SetWriteDeadline(time.Time{}) == nil && time.Now().Before(deadline) {
		s.Send(Head{}, []byte("anyone?"), Normal)
	}
	if err := ours.SetWriteDeadline(time.Time{}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the socket is not closed: %v", err)
	}
}

// packets returns a Stream on a socket that keeps writes apart, and the other end, from which one read is one write.
// However long the machine keeps a goroutine waiting, no cork ends for that.
func packets(t *testing.T) (*Stream, net.Conn) {
	t.Helper()
	ours, theirs := socketPair(t, "unixpacket", filepath.Join(t.TempDir(), "s"))
	s := NewStream(ours, &Config{cork: streamPatience}, nil)
	t.Cleanup(func() { s.Abort(nil) })
	return s, theirs
}

// wantWrite reads what one write of the other end has sent.
func wantWrite(t *testing.T, from net.Conn, want string) {
	t.Helper()
	p := make([]byte, 100)
	n, err := from.Read(p)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(p[:n]); got != want {
		t.Errorf("a write of %q, want %q", got, want)
	}
}

func TestCorkedMessagesLeaveInOneWrite(t *testing.T) {
	s, theirs := packets(t)
	h := reactTo(func(p []byte) {
		if string(p) == "cork" {
			s.Cork()
		}
		s.Send(Head{}, []byte("one"), Normal)
		f := shared("two")
		s.SendFrame(f, Normal)
		f.Release()
		s.Send(MakeHead([]byte("th")), []byte("ree"), Normal)
	})
	go s.Serve(h)
	theirs.Write([]byte("cork"))
	wantWrite(t, theirs, "onetwothree")
	theirs.Write([]byte("a cork lasts for one Data only"))
	wantWrite(t, theirs, "one")
	wantWrite(t, theirs, "two")
	wantWrite(t, theirs, "three")
}

func TestCorkEndsWhenFillIsCalledAgain(t *testing.T) {
	s, theirs := packets(t)
	fill := func() {
		b, err := s.Fill()
		if err != nil {
			t.Error(err)
		}
		b.Free()
	}
	theirs.Write([]byte("x"))
	fill()
	s.Cork()
	s.Send(Head{}, []byte("one"), Normal)
	s.Send(Head{}, []byte("two"), Normal)
	filled := make(chan struct{})
	go func() {
		fill()
		close(filled)
	}()
	wantWrite(t, theirs, "onetwo")
	theirs.Write([]byte("x"))
	<-filled
	s.Send(Head{}, []byte("three"), Normal)
	s.Send(Head{}, []byte("four"), Normal)
	wantWrite(t, theirs, "three")
	wantWrite(t, theirs, "four")
}

// A cork that ended in time must not leave the next one without its bound.
func TestCorkAfterCorkDoesNotHoldMessagesWhileHandlerBlocks(t *testing.T) {
	ours, theirs := tcpPair(t)
	s := NewStream(ours, new(Config), nil)
	release := make(chan struct{})
	h := reactTo(func(p []byte) {
		s.Cork()
		s.Send(Head{}, p, Normal)
		if string(p) == "block" {
			<-release
		}
	})
	go s.Serve(h)
	for range 10 { // a busy machine may keep any of them longer than its cork lasts
		theirs.Write([]byte("quick"))
		wantRead(t, theirs, []byte("quick"))
	}
	theirs.Write([]byte("block"))
	wantRead(t, theirs, []byte("block"))
	close(release)
	theirs.Close()
	h.wantClosed(t, io.EOF)
}

func TestCorkDoesNotHoldMessagesWhileHandlerBlocks(t *testing.T) {
	for name, size := range map[string]int{"small": 5, "large": 8 << 20} {
		t.Run(name, func(t *testing.T) {
			ours, theirs := tcpPair(t)
			s := NewStream(ours, &Config{Outbox: 64 << 20}, nil)
			message := randomBytes(size)
			release := make(chan struct{})
			h := reactTo(func([]byte) {
				s.Cork()
				for range 2 {
					s.Send(Head{}, message, Normal)
					<-release
				}
			})
			go s.Serve(h)
			for range 3 {
				theirs.Write([]byte("x"))
				for range 2 {
					wantRead(t, theirs, message)
					release <- struct{}{}
				}
			}
			theirs.Close()
			h.wantClosed(t, io.EOF)
		})
	}
}
