package loop

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestLoopPartsWithoutWaitingForThePeer(t *testing.T) {
	r := newRecorder(t)
	_, nc := pair(t, GroupConfig{Loops: 1}, func(c Conn) Handler {
		r.calls.data = func([]byte) {
			c.Send(Head{}, []byte("goodbye"), Last)
			c.Part(errTest, time.Hour)
		}
		return r
	})
	io.WriteString(nc, "last")
	if err := receive(t, r.closed, "Closed"); err != errTest {
		t.Errorf("Closed(%v)", err)
	}
	wantRead(t, nc, []byte("goodbye"))
	wantEnded(t, nc)
	wantGone(t, nc)
}

// Part may come from a callback that the loop did not wait for.
func TestLoopPartsWhenACallbackHasBlocked(t *testing.T) {
	r := newRecorder(t)
	called, release := make(chan struct{}), make(chan struct{})
	g, address := serve(t, GroupConfig{Loops: 1}, func(c Conn) Handler {
		r.calls.data = func([]byte) {
			close(called)
			<-release
			c.Send(Head{}, []byte("goodbye"), Last)
			c.Part(errTest, time.Hour)
		}
		return r
	})
	nc := dial(t, address)
	io.WriteString(nc, "last")
	receive(t, called, "Data")
	eventually(t, func() bool { return g.Stats().Handovers > 0 })
	close(release)
	receive(t, r.closed, "Closed")
	wantRead(t, nc, []byte("goodbye"))
	wantEnded(t, nc)
	wantGone(t, nc)
}

// unread returns the number of bytes that wait in a socket.
func unread(t *testing.T, nc net.Conn) (n int) {
	t.Helper()
	raw, err := nc.(*net.TCPConn).SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) { n, err = unix.IoctlGetInt(int(fd), unix.SIOCINQ) })
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestLoopReadsOnWhereBytesAreLeftUnread(t *testing.T) {
	r := newRecorder(t)
	ours, theirs := adoptable(t)
	ours.(*net.TCPConn).SetReadBuffer(4 * readSize)
	if _, err := theirs.Write(make([]byte, readSize+1)); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return unread(t, ours) > readSize })
	g := newGroup(t, GroupConfig{Loops: 1})
	err := g.Adopt(ours, nil, func(c Conn) Handler {
		r.calls.data = func([]byte) {
			c.Send(Head{}, []byte("goodbye"), Last)
			c.Part(errTest, patience)
		}
		return r
	})
	if err != nil {
		t.Fatal(err)
	}
	wantRead(t, theirs, []byte("goodbye"))
	wantEnded(t, theirs)
	wantListening(t, theirs)
	theirs.Close()
	receive(t, r.closed, "Closed")
}

// What came while a callback blocked is noticed by the loop before it closes.
func TestLoopReadsOnWhereBytesCameDuringACallback(t *testing.T) {
	r := newRecorder(t)
	called, release := make(chan struct{}), make(chan struct{})
	g, address := serve(t, GroupConfig{Loops: 1}, func(c Conn) Handler {
		return &calls{data: func(p []byte) {
			if string(p) != "last" {
				echo(c).Data(p)
				return
			}
			c.SetHandler(r)
			close(called)
			<-release
			c.Send(Head{}, []byte("goodbye"), Last)
			c.Part(errTest, patience)
		}}
	})
	nc, other := dial(t, address), dial(t, address)
	io.WriteString(nc, "last")
	receive(t, called, "Data")
	eventually(t, func() bool { return g.Stats().Handovers > 0 })
	io.WriteString(nc, "more")
	if err := exchange(other, 1000); err != nil { // the loop has been round
		t.Fatal(err)
	}
	close(release)
	wantRead(t, nc, []byte("goodbye"))
	wantEnded(t, nc)
	wantListening(t, nc)
	nc.Close()
	receive(t, r.closed, "Closed")
}

// A peer that does not read while the outbox is drained is left the time that it has after Finish.
func TestLoopSendsAllBeforeItParts(t *testing.T) {
	r := newRecorder(t)
	answer := bytes.Repeat([]byte("goodbye "), 4<<20) // more than sockets hold
	parted := make(chan struct{})
	_, nc := pair(t, GroupConfig{Loops: 1, Config: Config{Outbox: 64 << 20}}, func(c Conn) Handler {
		r.calls.data = func([]byte) {
			c.Send(Head{}, answer, Normal)
			c.Send(Head{}, []byte("end"), Last)
			c.Part(errTest, patience)
			close(parted)
		}
		return r
	})
	io.WriteString(nc, "last")
	receive(t, parted, "Part")
	wantRead(t, nc, answer)
	wantRead(t, nc, []byte("end"))
	wantEnded(t, nc)
	wantListening(t, nc)
	nc.Close()
	if err := receive(t, r.closed, "Closed"); err != errTest {
		t.Errorf("Closed(%v)", err)
	}
}

func TestPartWaitsNoLongerThanItMay(t *testing.T) {
	r := newRecorder(t)
	_, nc := pair(t, GroupConfig{Loops: 1, Config: Config{Outbox: 64 << 20}}, func(c Conn) Handler {
		r.calls.data = func([]byte) {
			c.Send(Head{}, make([]byte, 32<<20), Last)
			c.Part(errTest, 50*time.Millisecond)
		}
		return r
	})
	io.WriteString(nc, "last")
	if err := receive(t, r.closed, "Closed"); err != errTest {
		t.Errorf("Closed(%v)", err)
	}
}
