package loop

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/molva-ws/molva/internal/buffer"
)

// wantEnded wants the end of the stream, not a reset, while the socket stays open on this side.
func wantEnded(t *testing.T, nc net.Conn) {
	t.Helper()
	if n, err := nc.Read(make([]byte, 1)); err != io.EOF {
		t.Fatalf("read %d bytes and %v, want EOF", n, err)
	}
}

// wantGone wants the other end's socket to be closed whole: what it gets is answered by a reset, which a busy system may
// bring some writes later.
func wantGone(t *testing.T, nc net.Conn) {
	t.Helper()
	var err error
	for i := 0; i < 10_000 && err == nil; i++ {
		_, err = nc.Write([]byte("x"))
	}
	if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("writing to a closed socket: %v", err)
	}
}

// wantListening wants the other end's socket to be open still in the direction to it.
func wantListening(t *testing.T, nc net.Conn) {
	t.Helper()
	for range 2 {
		if _, err := nc.Write([]byte("x")); err != nil {
			t.Fatalf("writing to a socket that is read from: %v", err)
		}
	}
}

func TestStreamPartsWithoutWaitingForThePeer(t *testing.T) {
	for _, kind := range []string{"tcp", "unix"} {
		t.Run(kind, func(t *testing.T) {
			ours, theirs := kinds[kind](t)
			s := NewStream(ours, new(Config), nil)
			h := reactTo(func([]byte) {
				s.Cork()
				s.Send(Head{}, []byte("goodbye"), Last)
				s.Part(errReason, time.Hour)
			})
			go s.Serve(h)
			theirs.Write([]byte("last"))
			h.wantClosed(t, errReason)
			wantRead(t, theirs, []byte("goodbye"))
			wantEnded(t, theirs)
			wantGone(t, theirs)
		})
	}
}

func TestStreamPartsOutsideOfItsReading(t *testing.T) {
	ours, theirs := tcpPair(t)
	s := NewStream(ours, new(Config), nil)
	theirs.Write([]byte("last"))
	b, err := s.Fill()
	if err != nil {
		t.Fatal(err)
	}
	b.Free()
	s.Send(Head{}, []byte("goodbye"), Last)
	s.Part(errReason, time.Hour)
	wantRead(t, theirs, []byte("goodbye"))
	wantEnded(t, theirs)
	wantGone(t, theirs)
	if err := s.Err(); err != errReason {
		t.Errorf("ended by %v", err)
	}
}

// A stream that may not be cut yet reads on, for a reset would take the goodbye with it.
func TestStreamPartsLaterWhereSomethingMightBeLost(t *testing.T) {
	goodbye := []byte("goodbye")
	much := randomBytes(32 << 20) // more than sockets hold
	for _, tc := range []struct {
		name   string
		kind   string
		come   []byte // from the peer, before anything is read
		early  string // was read before the stream began
		answer []byte
	}{
		{"bytes left unread", "tcp", randomBytes(2 * minRead), "", goodbye},
		{"bytes left unread on a Unix socket", "unix", randomBytes(2 * minRead), "", goodbye},
		{"nothing read yet", "tcp", []byte("more"), "last", goodbye},
		{"slow peer", "tcp", []byte("last"), "", much},
		{"TLS", "tls", []byte("last"), "", goodbye},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ours, theirs := kinds[tc.kind](t)
			var early *buffer.Buffer
			if tc.early != "" {
				early = buffer.Get(len(tc.early))
				early.Append([]byte(tc.early))
			}
			s := NewStream(ours, &Config{Outbox: 64 << 20}, early)
			parted := make(chan struct{})
			h := reactTo(func([]byte) {
				s.Send(Head{}, tc.answer, Last)
				s.Part(errReason, streamPatience)
				close(parted)
			})
			if _, err := theirs.Write(tc.come); err != nil {
				t.Fatal(err)
			}
			go s.Serve(h)
			<-parted
			wantRead(t, theirs, tc.answer)
			wantEnded(t, theirs)
			wantListening(t, theirs)
			theirs.Close()
			h.wantClosed(t, errReason)
		})
	}
}
