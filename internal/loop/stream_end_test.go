package loop

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/molva-ws/molva/internal/buffer"
)

var errReason = errors.New("reason")

func TestFinishSendsAllToPeerThatGoesOnSending(t *testing.T) {
	for kind, pair := range kinds {
		if kind == "pipe" {
			continue // has no buffer: a peer that only sends takes nothing
		}
		t.Run(kind, func(t *testing.T) {
			ours, theirs := pair(t)
			s := NewStream(ours, &Config{Outbox: 64 << 20}, nil)
			last := randomBytes(8 << 20)
			h := reactTo(nil)
			h.data = func([]byte) {
				h.data = func([]byte) { t.Error("Data after Finish") }
				s.Send(Head{}, last, Normal)
				s.Finish(errReason, streamPatience)
			}
			go s.Serve(h)
			stop := make(chan struct{})
			go func() {
				for {
					select {
					case <-stop:
						return
					default:
						theirs.Write([]byte("more"))
					}
				}
			}()
			wantRead(t, theirs, last)
			if _, err := theirs.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("after the last byte comes %v, want EOF", err)
			}
			close(stop)
			theirs.Close()
			h.wantClosed(t, errReason)
		})
	}
}

func TestFinishWithoutReaderStillSendsAll(t *testing.T) {
	ours, theirs := tcpPair(t)
	s := NewStream(ours, &Config{Outbox: 64 << 20}, nil)
	last := randomBytes(8 << 20)
	s.Send(Head{}, last, Normal)
	s.Finish(errReason, streamPatience)
	theirs.Write([]byte("nobody wants that"))
	wantRead(t, theirs, last)
	if _, err := theirs.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("after the last byte comes %v, want EOF", err)
	}
	theirs.Close()
	if _, err := s.Fill(); err != errReason {
		t.Errorf("Fill returned %v", err)
	}
}

func TestFinishClosesTheSocketThoughNobodyReads(t *testing.T) {
	ours, theirs := tcpPair(t)
	s := NewStream(ours, new(Config), nil)
	s.Finish(errReason, streamPatience)
	theirs.Write([]byte("nobody wants that"))
	theirs.Close()
	wantSocketClosed(t, ours)
}

func TestAbortClosesTheSocketOnceTheReaderHasGone(t *testing.T) {
	ours, theirs := tcpPair(t)
	s := NewStream(ours, new(Config), nil)
	read, aborted := make(chan struct{}), make(chan struct{})
	go s.Each(func(b *buffer.Buffer) bool {
		b.Free()
		close(read)
		<-aborted
		return false
	})
	theirs.Write([]byte("x"))
	<-read
	s.Abort(errReason)
	close(aborted)
	wantSocketClosed(t, ours)
}

// wantSocketClosed waits until our end of a connection is closed.
func wantSocketClosed(t *testing.T, ours net.Conn) {
	t.Helper()
	deadline := time.Now().Add(streamPatience)
	for !errors.Is(ours.SetWriteDeadline(time.Time{}), net.ErrClosed) {
		if time.Now().After(deadline) {
			t.Fatal("the socket is not closed")
		}
		time.Sleep(time.Millisecond)
	}
}

func TestPeerThatHasClosedItsSideGetsWhatIsQueued(t *testing.T) {
	ours, theirs := tcpPair(t)
	s := NewStream(ours, &Config{Outbox: 64 << 20}, nil)
	last := randomBytes(8 << 20)
	h := reactTo(func([]byte) {
		s.Send(Head{}, last, Normal)
		s.Finish(errReason, streamPatience)
	})
	go s.Serve(h)
	theirs.Write([]byte("x"))
	theirs.CloseWrite()
	wantRead(t, theirs, last)
	h.wantClosed(t, errReason)
}

// The system announces both at once, and only once. With one processor nobody reads between the two.
func TestStreamSeesTheEndThatCameWithTheLastBytes(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for range 10 { // the runtime's monitor may come between
		ours, theirs := tcpPair(t)
		s := NewStream(ours, new(Config), nil)
		h := reactTo(nil)
		go s.Serve(h)
		for range 10 { // Serve is to wait for the socket
			runtime.Gosched()
		}
		theirs.Write([]byte("last"))
		theirs.Close()
		h.wantClosed(t, io.EOF)
	}
}

func TestFinishBoundsWhatItReads(t *testing.T) {
	ours, theirs := tcpPair(t)
	s := NewStream(ours, new(Config), nil)
	h := reactTo(nil)
	go s.Serve(h)
	s.Finish(errReason, time.Hour)
	chunk := make([]byte, 1<<20)
	written := 0
	for {
		n, err := theirs.Write(chunk)
		if written += n; err != nil {
			break
		}
	}
	h.wantClosed(t, errReason)
	if written < maxDiscard {
		t.Errorf("the peer could write %d bytes only", written)
	}
}

func TestAbortFromWithin(t *testing.T) {
	for kind, pair := range kinds {
		t.Run(kind, func(t *testing.T) {
			ours, theirs := pair(t)
			s := NewStream(ours, new(Config), nil)
			h := reactTo(nil)
			h.data = func([]byte) {
				s.Abort(errReason)
				s.Abort(errors.New("again"))
				s.Finish(errors.New("after all"), time.Hour)
				if err := s.Send(Head{}, []byte("late"), Urgent); err != ErrClosed {
					t.Errorf("Send after Abort returned %v", err)
				}
			}
			go s.Serve(h)
			theirs.Write([]byte("xy"))
			h.wantClosed(t, errReason)
			if _, err := theirs.Read(make([]byte, 1)); err == nil {
				t.Error("the peer reads something")
			}
		})
	}
}

func TestAbortReachesThePeerOfABlockedHandler(t *testing.T) {
	ours, theirs := tcpPair(t)
	s := NewStream(ours, new(Config), nil)
	blocked, release := make(chan struct{}), make(chan struct{})
	h := reactTo(func([]byte) {
		close(blocked)
		<-release
	})
	go s.Serve(h)
	theirs.Write([]byte("x"))
	<-blocked
	s.Abort(errReason)
	if _, err := theirs.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the peer reads %v, want EOF", err)
	}
	close(release)
	h.wantClosed(t, errReason)
}

func TestEndForNoReasonIsAnEnd(t *testing.T) {
	for name, end := range map[string]func(*Stream){
		"aborted":  func(s *Stream) { s.Abort(nil) },
		"finished": func(s *Stream) { s.Finish(nil, time.Millisecond) },
	} {
		t.Run(name, func(t *testing.T) {
			ours, theirs := tcpPair(t)
			s := NewStream(ours, new(Config), nil)
			served := make(chan struct{}, 1)
			h := reactTo(func([]byte) { served <- struct{}{} })
			go s.Serve(h)
			theirs.Write([]byte("x"))
			<-served
			end(s)
			h.wantClosed(t, ErrClosed)
		})
	}
}

func TestStreamThatEndedBeforeServe(t *testing.T) {
	for name, end := range map[string]func(*Stream){
		"aborted":  func(s *Stream) { s.Abort(errReason) },
		"finished": func(s *Stream) { s.Finish(errReason, time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			ours, theirs := tcpPair(t)
			early := buffer.Get(5)
			early.Append([]byte("early"))
			s := NewStream(ours, new(Config), early)
			h := reactTo(func([]byte) { t.Error("Data was called") })
			end(s)
			go s.Serve(h)
			if _, err := theirs.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("the peer reads %v, want EOF", err)
			}
			theirs.Close()
			h.wantClosed(t, errReason)
		})
	}
}

// In a bubble a goroutine that is left behind fails the test, and time passes at once.
func TestStreamInTime(t *testing.T) {
	const second = time.Second
	start := func(h *reactions) (*Stream, net.Conn) {
		ours, theirs := net.Pipe()
		s := NewStream(ours, new(Config), nil)
		return s, theirs
	}
	bubble := func(name string, test func(t *testing.T)) {
		t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
	}
	bubble("timer", func(t *testing.T) {
		h := reactTo(nil)
		s, theirs := start(h)
		began := time.Now()
		var rang []time.Duration
		h.timer = func() {
			if rang = append(rang, time.Since(began)); len(rang) == 1 {
				s.SetTimer(4 * second)
			}
		}
		s.SetTimer(second)
		go s.Serve(h)
		s.SetTimer(3 * second)
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(rang) != 2 || rang[0] != 3*second || rang[1] != 7*second {
			t.Errorf("the timer rang after %v", rang)
		}
		theirs.Close()
		h.wantClosed(t, io.EOF)
	})
	bubble("timer unset", func(t *testing.T) {
		h := reactTo(nil)
		h.timer = func() { t.Error("the timer rang") }
		s, theirs := start(h)
		s.SetTimer(second)
		go s.Serve(h)
		s.SetTimer(0)
		time.Sleep(time.Minute)
		synctest.Wait()
		theirs.Close()
		h.wantClosed(t, io.EOF)
	})
	bubble("what arrived while the handler blocked comes before the timer", func(t *testing.T) {
		h := reactTo(nil)
		s, theirs := start(h)
		var calls []string
		h.data = func(p []byte) {
			calls = append(calls, string(p))
			time.Sleep(10 * second)
		}
		h.timer = func() { calls = append(calls, "timer") }
		s.SetTimer(5 * second)
		go s.Serve(h)
		theirs.Write([]byte("one"))
		theirs.Write([]byte("two"))
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(calls) != 3 || calls[1] != "two" || calls[2] != "timer" {
			t.Errorf("the handler was called with %q", calls)
		}
		theirs.Close()
		h.wantClosed(t, io.EOF)
	})
	bubble("finish ends with the linger time", func(t *testing.T) {
		h := reactTo(nil)
		h.timer = func() { t.Error("the timer rang") }
		s, theirs := start(h)
		s.SetTimer(2 * second)
		go s.Serve(h)
		synctest.Wait()
		s.Send(Head{}, []byte("not read"), Normal)
		began := time.Now()
		s.Finish(errReason, 5*second)
		h.wantClosed(t, errReason)
		if took := time.Since(began); took != 5*second {
			t.Errorf("it took %v", took)
		}
		theirs.Close()
	})
	bubble("what cannot be closed on one side is closed whole soon", func(t *testing.T) {
		h := reactTo(nil)
		s, theirs := start(h)
		go s.Serve(h)
		synctest.Wait()
		s.Send(Head{}, []byte("read"), Normal)
		s.Finish(errReason, time.Hour)
		began := time.Now()
		wantRead(t, theirs, []byte("read"))
		if _, err := theirs.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the peer reads %v, want EOF", err)
		}
		if took := time.Since(began); took > second {
			t.Errorf("it took %v", took)
		}
		h.wantClosed(t, errReason)
	})
	bubble("idle", func(t *testing.T) {
		h := reactTo(nil)
		s, theirs := start(h)
		go s.Serve(h)
		time.Sleep(10 * second)
		if idle := s.Idle(); idle != 10*second {
			t.Errorf("idle for %v since the beginning, want 10 s", idle)
		}
		theirs.Write([]byte("x"))
		time.Sleep(3 * second)
		if idle := s.Idle(); idle != 3*second {
			t.Errorf("idle for %v, want 3 s", idle)
		}
		s.Abort(errReason)
		h.wantClosed(t, errReason)
	})
}

// TestADeadlineInATLSHandshakeIsTheEnd is about a handshake that a deadline has ended: every later read fails with it at
// once, so that nobody may wait for another, whether the timer was noticed in time or late.
func TestADeadlineInATLSHandshakeIsTheEnd(t *testing.T) {
	certified := certificate(t)
	for name, wake := range map[string]func(*Stream){
		"in time": func(s *Stream) { s.SetTimer(time.Millisecond) },
		"late": func(s *Stream) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.timer = now().after(-10 * overdue)
			s.nc.SetReadDeadline(past)
		},
	} {
		t.Run(name, func(t *testing.T) {
			stalled, theirs := tcpPair(t)
			s := NewStream(tls.Server(stalled, certified), new(Config), nil)
			h := reactTo(nil)
			rang := 0
			h.timer = func() { rang++ }
			go s.Serve(h)
			theirs.Write([]byte{22}) // as a handshake begins
			wake(s)
			h.wantClosed(t, os.ErrDeadlineExceeded)
			if rang != 1 {
				t.Errorf("the timer rang %d times", rang)
			}
		})
	}
}
