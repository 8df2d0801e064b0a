package molva_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/molva-ws/molva"
)

// onEveryEcho runs a test for a server that echoes, by callbacks on every front and by each of the ways to read.
func onEveryEcho(t *testing.T, test func(t *testing.T, start func(*molva.Server) net.Addr)) {
	onEveryFront(t, func(t *testing.T, start func(*molva.Server) net.Addr) {
		test(t, func(srv *molva.Server) net.Addr {
			srv.OnMessage = echo
			return start(srv)
		})
	})
	for name, read := range map[string]func(*molva.Conn){"read": echoRead, "messages": echoMessages, "reader": echoReader} {
		t.Run(name, func(t *testing.T) {
			test(t, func(srv *molva.Server) net.Addr {
				l := listen(t, "tcp", "127.0.0.1:0")
				serveHTTP(t, l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if c, err := molva.Accept(w, r, &molva.AcceptOptions{Server: srv, Limits: srv.Limits}); err == nil {
						go read(c)
					}
				}))
				t.Cleanup(func() { shutdown(t, srv) })
				return l.Addr()
			})
		})
	}
}

// echoReader echoes by Reader and Writer.
func echoReader(c *molva.Conn) {
	defer c.CloseNow()
	ctx := context.Background()
	for {
		typ, r, err := c.Reader(ctx)
		if err != nil {
			return
		}
		w, err := c.Writer(ctx, typ)
		if err != nil {
			return
		}
		if _, err := io.Copy(w, r); err != nil {
			return
		}
		w.Close()
	}
}

// sendAndCollect sends messages at once and reads as many.
func sendAndCollect(t *testing.T, c *molva.Conn, count, size int) {
	t.Helper()
	for i := range count {
		if err := c.Send(molva.Text(fmt.Sprintf("%0*d", size, i))); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), peerPatience)
	defer cancel()
	for i := range count {
		if m, err := c.Read(ctx); err != nil || m.String() != fmt.Sprintf("%0*d", size, i) {
			t.Fatalf("message %d is %.20q, %v", i, m.Data, err)
		}
	}
}

func TestFastPeerIsPaused(t *testing.T) {
	for _, test := range []struct {
		name        string
		limits      molva.Limits
		count, size int
		atLeast     time.Duration
	}{
		{"messages", molva.Limits{Messages: 100, MessageBurst: 5}, 25, 10, 190 * time.Millisecond},
		{"bytes", molva.Limits{Bytes: 1 << 20, ByteBurst: 1}, 40, 10 << 10, 100 * time.Millisecond},
	} {
		t.Run(test.name, func(t *testing.T) {
			onEveryEcho(t, func(t *testing.T, start func(*molva.Server) net.Addr) {
				srv := &molva.Server{Limits: test.limits}
				addr := start(srv)
				c, _ := wantStatus(t, addr, nil, http.StatusSwitchingProtocols)
				began := time.Now()
				sendAndCollect(t, c, test.count, test.size)
				if took := time.Since(began); took < test.atLeast {
					t.Errorf("it took %v, want at least %v", took, test.atLeast)
				}
				wantStats(t, srv, func(s molva.Stats) bool {
					return s.Fast.Paused > 0 && s.Fast.Closed == 0 && s.MessagesIn == uint64(test.count)
				})
			})
		})
	}
}

func TestPausedPeerHoldsNobodyUp(t *testing.T) {
	onEveryEcho(t, func(t *testing.T, start func(*molva.Server) net.Addr) {
		srv := &molva.Server{Limits: molva.Limits{Messages: 0.001}, Workers: 1}
		addr := start(srv)
		fast, _ := wantStatus(t, addr, nil, http.StatusSwitchingProtocols)
		fast.Send(molva.Text("one"))
		fast.Send(molva.Text("two"))
		wantStats(t, srv, func(s molva.Stats) bool { return s.Fast.Paused == 1 })
		for range 3 {
			c, _ := wantStatus(t, addr, nil, http.StatusSwitchingProtocols)
			wantEcho(t, c)
		}
	}) // and the shutdown at the end does not wait until the pause is over
}

func TestFastPeerIsClosed(t *testing.T) {
	for _, test := range []struct {
		name   string
		limits molva.Limits
	}{
		{"messages", molva.Limits{Messages: 0.01, MessageBurst: 2, Fast: molva.FastClose}},
		{"bytes", molva.Limits{Bytes: 1, ByteBurst: 40, Fast: molva.FastClose}}, // 16 bytes for each message
	} {
		t.Run(test.name, func(t *testing.T) {
			onEveryEcho(t, func(t *testing.T, start func(*molva.Server) net.Addr) {
				srv := &molva.Server{Limits: test.limits}
				causes := make(chan error, 1)
				srv.OnClose = func(_ *molva.Conn, err error) { causes <- err }
				addr := start(srv)
				c, _ := wantStatus(t, addr, nil, http.StatusSwitchingProtocols)
				var closed *molva.CloseError
				for i := 0; ; i++ { // one at a time: what is read at once counts as a whole
					if c.Send(molva.Text("1234567890")) != nil {
						break
					}
					if _, err := c.Read(t.Context()); err != nil {
						errors.As(err, &closed)
						if i != 2 && test.limits.Messages > 0 || i > 3 {
							t.Errorf("closed after %d messages", i)
						}
						break
					}
				}
				if closed == nil || closed.Code != molva.ClosePolicyViolation || !strings.Contains(closed.Reason, "in a second") {
					t.Errorf("closed with %v", closed)
				}
				wantStats(t, srv, func(s molva.Stats) bool { return s.Fast == molva.FastStats{Closed: 1} && s.Conns == 0 })
				select {
				case err := <-causes:
					if !errors.Is(err, molva.ErrTooFast) {
						t.Errorf("OnClose got %v", err)
					}
				default: // no callbacks
				}
			})
		})
	}
}

func TestCancelledReadKeepsTheMessageThatHadToWait(t *testing.T) {
	got := make(chan error, 1)
	l := listen(t, "tcp", "127.0.0.1:0")
	serveHTTP(t, l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := molva.Accept(w, r, &molva.AcceptOptions{Limits: molva.Limits{Messages: 2, MessageBurst: 1}})
		if err != nil {
			got <- err
			return
		}
		defer c.CloseNow()
		got <- readThrice(c)
	}))
	c, _ := wantStatus(t, l.Addr(), nil, http.StatusSwitchingProtocols)
	for _, m := range []string{"one", "two", "three"} {
		c.Send(molva.Text(m))
	}
	if err := <-got; err != nil {
		t.Error(err)
	}
}

// readThrice reads three messages, and gives up again and again while it waits.
func readThrice(c *molva.Conn) error {
	given := 0
	for _, want := range []string{"one", "two", "three"} {
		for {
			ctx, cancel := context.WithTimeout(context.Background(), 15*time.Millisecond)
			m, err := c.Read(ctx)
			cancel()
			if errors.Is(err, context.DeadlineExceeded) {
				given++
				continue
			}
			if err != nil || m.String() != want {
				return fmt.Errorf("got %q, %v; want %q", m.Data, err, want)
			}
			break
		}
	}
	if given < 4 {
		return fmt.Errorf("given up %d times in a second", given)
	}
	return nil
}
