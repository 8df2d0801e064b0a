package loop

import (
	"errors"
	"io"
	"net"
	"testing"
)

func TestAdoptDeliversInitialBytesFirst(t *testing.T) {
	g := newGroup(t, GroupConfig{Loops: 1})
	ours, theirs := adoptable(t)
	io.WriteString(theirs, " and what came later")
	if err := g.Adopt(ours, []byte("what came first"), echo); err != nil {
		t.Fatal(err)
	}
	want := "what came first and what came later"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(theirs, got); err != nil || string(got) != want {
		t.Fatalf("got %q, %v", got, err)
	}
	if _, err := ours.Write([]byte("x")); err == nil {
		t.Error("the adopted connection still works")
	}
}

func TestAdoptRefusesWhatIsNoSocket(t *testing.T) {
	g := newGroup(t, GroupConfig{Loops: 1})
	a, b := net.Pipe()
	defer b.Close()
	if err := g.Adopt(a, nil, echo); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %v", err)
	}
}

// adoptable returns both ends of a TCP connection.
func adoptable(t testing.TB) (ours, theirs net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	theirs = dial(t, l.Addr().String())
	ours, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return ours, theirs
}

func TestOpenMayRefuse(t *testing.T) {
	_, address := serve(t, GroupConfig{Loops: 1}, func(Conn) Handler { return nil })
	nc := dial(t, address)
	if _, err := nc.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("got %v", err)
	}
}

func TestDetachGivesTheSocketBack(t *testing.T) {
	detached := make(chan net.Conn, 1)
	errs := make(chan error, 2)
	g, address := serve(t, GroupConfig{Loops: 1}, func(c Conn) Handler {
		return &calls{
			data: func(p []byte) {
				nc, err := c.(*sock).Detach()
				errs <- err
				detached <- nc
				errs <- c.Send(Head{}, p, Normal)
			},
			closed: func(error) { t.Error("Closed was called") },
		}
	})
	nc := dial(t, address)
	io.WriteString(nc, "over")
	if err := receive(t, errs, "result"); err != nil {
		t.Fatal(err)
	}
	ours := receive(t, detached, "connection")
	defer ours.Close()
	if err := receive(t, errs, "result"); err != ErrClosed {
		t.Errorf("Send after Detach: %v", err)
	}
	go io.Copy(ours, ours)
	if err := exchange(nc, 1<<20); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return g.Stats().Connections == 0 })
}
