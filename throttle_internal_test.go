package molva

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/molva-ws/molva/internal/loop"
)

// deaf is a transport of which only the end can be asked.
type deaf struct {
	loop.Conn
	closed atomic.Bool
}

func (d *deaf) Send(loop.Head, []byte, loop.Priority) error {
	if d.closed.Load() {
		return loop.ErrClosed
	}
	return nil
}

// throttled returns a connection under limits, and its transport.
func throttled(l Limits) (*Conn, *deaf) {
	set := newSettings(l, Timeouts{}, Compression{}, SlowClose, nil)
	transport := new(deaf)
	return &Conn{set: set, transport: transport, extra: &extra{throttle: set.rates.Load().newThrottle()}}, transport
}

func TestPaceKeepsTheRate(t *testing.T) {
	for _, test := range []struct {
		name   string
		limits Limits
		event  func(*Conn) error
		events int
		takes  time.Duration
	}{
		{"no limit", Limits{}, message, 1000, 0},
		{"only bytes are limited", Limits{Bytes: 1}, message, 1000, 0},
		{"only messages are limited", Limits{Messages: 1}, hundredBytes, 1000, 0},
		{"a burst", Limits{Messages: 10, MessageBurst: 20}, message, 20, 0},
		{"after the burst", Limits{Messages: 10, MessageBurst: 20}, message, 50, 3 * time.Second},
		{"default burst", Limits{Messages: 10}, message, 50, 4 * time.Second},
		{"one in ten seconds", Limits{Messages: 0.1}, message, 4, 30 * time.Second},
		// The last piece passes as soon as there is room for its first byte.
		{"bytes", Limits{Bytes: 1000, ByteBurst: 1000}, hundredBytes, 60, 4900 * time.Millisecond},
		{"pieces larger than the burst", Limits{Bytes: 100, ByteBurst: 1}, hundredBytes, 11, 10 * time.Second},
		{"negative is no limit", Limits{Messages: -1, Bytes: -1}, message, 1000, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, _ := throttled(test.limits)
				began := time.Now()
				for range test.events {
					if err := test.event(c); err != nil {
						t.Fatal(err)
					}
				}
				if took := time.Since(began).Round(10 * time.Millisecond); took != test.takes {
					t.Errorf("it took %v, want %v", took, test.takes)
				}
			})
		})
	}
}

func message(c *Conn) error      { return c.paceMessage(context.Background()) }
func hundredBytes(c *Conn) error { return c.paceBytes(context.Background(), 100) }

func TestControlFramesCountAndDoNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := throttled(Limits{Messages: 10, MessageBurst: 1})
		began := time.Now()
		for range 20 {
			c.countControl()
		}
		if time.Since(began) != 0 {
			t.Error("a control frame has waited")
		}
		message(c)
		if took := time.Since(began).Round(10 * time.Millisecond); took != 2*time.Second {
			t.Errorf("the message has waited %v, want 2s", took)
		}
	})
}

func TestPauseEndsEarly(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(*Conn, *deaf, context.CancelFunc)
		want error
		by   time.Duration
	}{
		{"the connection is closed", func(c *Conn, _ *deaf, _ context.CancelFunc) { c.closing.Store(&CloseError{}) }, nil, pauseStep},
		{"the socket has ended", func(_ *Conn, d *deaf, _ context.CancelFunc) { d.closed.Store(true) }, nil, pauseStep},
		{"the context is done", func(_ *Conn, _ *deaf, cancel context.CancelFunc) { cancel() }, context.Canceled, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, transport := throttled(Limits{Messages: 0.001})
				message(c)
				c.pinged.Store(1)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				const after = 10*time.Second + time.Millisecond
				time.AfterFunc(after, func() { test.end(c, transport, cancel) })
				began := time.Now()
				if err := c.paceMessage(ctx); !errors.Is(err, test.want) {
					t.Errorf("got %v, want %v", err, test.want)
				}
				if took := time.Since(began); took < after || took > after+test.by {
					t.Errorf("it took %v", took)
				}
				if c.pinged.Load() != 0 {
					t.Error("the peer would be given up for a pong that was not read")
				}
			})
		})
	}
}
