package loop

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/molva-ws/molva/internal/buffer"
)

// streamPatience is how long a test waits for what must happen.
const streamPatience = time.Minute

// reactions is a Handler for a Stream, made of functions any of which may be nil.
type reactions struct {
	data   func(p []byte)
	timer  func()
	closed chan error // gets the argument of each Closed
}

func reactTo(data func(p []byte)) *reactions {
	return &reactions{data: data, closed: make(chan error, 2)}
}

func (r *reactions) Data(p []byte) {
	if r.data != nil {
		r.data(p)
	}
}

func (r *reactions) Timer() { r.timer() }

func (r *reactions) Closed(err error) { r.closed <- err }

// wantClosed waits for the one call of Closed.
func (r *reactions) wantClosed(t *testing.T, want error) {
	t.Helper()
	select {
	case err := <-r.closed:
		if !errors.Is(err, want) {
			t.Errorf("Closed got %v, want %v", err, want)
		}
	case <-time.After(streamPatience):
		t.Fatal("Closed was not called")
	}
	select {
	case err := <-r.closed:
		t.Errorf("Closed was called again, with %v", err)
	default:
	}
}

// kinds are the connections that a Stream works on, by name. Each function returns two ends of one.
var kinds = map[string]func(*testing.T) (ours, theirs net.Conn){
	"tcp": func(t *testing.T) (ours, theirs net.Conn) { return socketPair(t, "tcp", "127.0.0.1:0") },
	"unix": func(t *testing.T) (ours, theirs net.Conn) {
		return socketPair(t, "unix", filepath.Join(t.TempDir(), "s"))
	},
	"tls":  tlsPair,
	"pipe": func(*testing.T) (ours, theirs net.Conn) { return net.Pipe() },
}

func socketPair(t *testing.T, network, address string) (ours, theirs net.Conn) {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Skip(err)
	}
	defer l.Close()
	theirs, err = net.Dial(network, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	ours, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ours.Close(); theirs.Close() })
	theirs.SetDeadline(time.Now().Add(streamPatience))
	return ours, theirs
}

func tcpPair(t *testing.T) (ours, theirs *net.TCPConn) {
	t.Helper()
	a, b := socketPair(t, "tcp", "127.0.0.1:0")
	return a.(*net.TCPConn), b.(*net.TCPConn)
}

func tlsPair(t *testing.T) (ours, theirs net.Conn) {
	t.Helper()
	a, b := tcpPair(t)
	return tlsOver(t, certificate(t), a, b)
}

// certificate returns the configuration of a TLS server.
func certificate(t *testing.T) *tls.Config {
	t.Helper()
	srv := httptest.NewTLSServer(nil)
	defer srv.Close()
	return &tls.Config{Certificates: srv.TLS.Certificates}
}

func tlsOver(t *testing.T, server *tls.Config, a, b net.Conn) (ours, theirs *tls.Conn) {
	t.Helper()
	ours, theirs = tls.Server(a, server), tls.Client(b, &tls.Config{InsecureSkipVerify: true})
	shaken := make(chan error, 1)
	go func() { shaken <- theirs.Handshake() }()
	if err := errors.Join(ours.Handshake(), <-shaken); err != nil {
		t.Fatal(err)
	}
	return ours, theirs
}

func randomBytes(n int) []byte {
	p := make([]byte, n)
	source := rand.NewChaCha8([32]byte{1})
	source.Read(p)
	return p
}

// wantRead reads as many bytes as want has and compares.
func wantRead(t *testing.T, from io.Reader, want []byte) {
	t.Helper()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(from, got); err != nil {
		t.Fatalf("reading: %v", err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("%d bytes arrived that are not those sent", len(got))
	}
}

// readers are the ways to read from a Stream. Each echoes what arrives until the end, which it returns.
var readers = map[string]func(*Stream) error{
	"serve": func(s *Stream) error {
		h := reactTo(func(p []byte) { s.Send(Head{}, p, Urgent) })
		s.Serve(h)
		return <-h.closed
	},
	"each": func(s *Stream) error {
		return s.Each(func(b *buffer.Buffer) bool {
			defer b.Free()
			s.Send(Head{}, b.Bytes(), Urgent)
			return true
		})
	},
	"each, once at a time": func(s *Stream) error {
		for {
			err := s.Each(func(b *buffer.Buffer) bool {
				defer b.Free()
				s.Send(Head{}, b.Bytes(), Urgent)
				return false
			})
			if err != nil {
				return err
			}
		}
	},
	"fill": func(s *Stream) error {
		for {
			b, err := s.Fill()
			if err != nil {
				return err
			}
			s.Send(Head{}, b.Bytes(), Urgent)
			b.Free()
		}
	},
}

func TestStreamCarriesBytesBothWays(t *testing.T) {
	for kind, pair := range kinds {
		for reader, read := range readers {
			t.Run(kind+", "+reader, func(t *testing.T) {
				ours, theirs := pair(t)
				early := buffer.Get(5)
				early.Append([]byte("early"))
				s := NewStream(ours, new(Config), early)
				ended := make(chan error, 1)
				go func() { ended <- read(s) }()
				sent := randomBytes(1 << 20)
				go func() {
					for rest := sent; len(rest) > 0; {
						n := min(1+rand.IntN(20000), len(rest))
						theirs.Write(rest[:n])
						rest = rest[n:]
					}
				}()
				wantRead(t, theirs, []byte("early"))
				wantRead(t, theirs, sent)
				theirs.Close()
				if err := <-ended; err != io.EOF {
					t.Errorf("the end is %v, want EOF", err)
				}
				if err := s.Send(Head{}, []byte("late"), Normal); err == nil && reader == "serve" {
					t.Error("Send after Closed returned nil")
				}
				s.Abort(nil)
			})
		}
	}
}

func TestFloodDoesNotKeepReaderFromInterrupt(t *testing.T) {
	ours, theirs := tcpPair(t)
	theirs.SetDeadline(time.Time{})
	s := NewStream(ours, new(Config), nil)
	flood := make([]byte, 1<<20)
	go func() {
		for {
			if _, err := theirs.Write(flood); err != nil {
				return
			}
		}
	}()
	started := make(chan struct{}, 1)
	interrupted := make(chan error, 1)
	go func() {
		interrupted <- s.Each(func(b *buffer.Buffer) bool {
			b.Free()
			select {
			case started <- struct{}{}:
			default:
			}
			return true
		})
	}()
	<-started
	s.Interrupt()
	select {
	case err := <-interrupted:
		if err != ErrInterrupted {
			t.Errorf("Each returned %v", err)
		}
	case <-time.After(streamPatience):
		t.Error("Each goes on reading")
	}
	s.Abort(nil)
}

func TestInterruptLosesNothing(t *testing.T) {
	for kind, pair := range kinds {
		t.Run(kind, func(t *testing.T) {
			ours, theirs := pair(t)
			s := NewStream(ours, new(Config), nil)
			sent := randomBytes(1 << 20)
			done := make(chan struct{})
			var running sync.WaitGroup
			running.Go(func() { theirs.Write(sent) })
			running.Go(func() {
				for {
					select {
					case <-done:
						return
					default:
						s.Interrupt()
					}
				}
			})
			var got []byte
			interrupts := 0
			for len(got) < len(sent) || interrupts == 0 { // when all has come, the next one can only be interrupted
				b, err := s.Fill()
				switch {
				case errors.Is(err, ErrInterrupted):
					interrupts++
				case err != nil:
					t.Fatal(err)
				}
				got = append(got, b.Bytes()...)
				b.Free()
			}
			close(done)
			running.Wait()
			if !bytes.Equal(got, sent) {
				t.Error("what was read is not what was sent")
			}
			s.Abort(nil)
		})
	}
}

func TestReadersOfOneStreamTakeTurns(t *testing.T) {
	ours, theirs := tcpPair(t)
	s := NewStream(ours, new(Config), nil)
	var running sync.WaitGroup
	var mu sync.Mutex
	total := 0
	for range 4 {
		running.Go(func() {
			for {
				b, err := s.Fill()
				if err != nil {
					return
				}
				mu.Lock()
				total += b.Len()
				mu.Unlock()
				b.Free()
			}
		})
	}
	theirs.Write(make([]byte, 1<<20))
	theirs.Close()
	running.Wait()
	if total != 1<<20 {
		t.Errorf("%d bytes were read, want 1 MiB", total)
	}
	s.Abort(nil)
}
