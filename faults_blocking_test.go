package molva_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/molva-ws/molva"
)

// askBlock is the message whose handler does not return until the test lets it.
const askBlock = "please block"

// blocking is a server some of whose handlers block.
type blocking struct {
	molva.Server
	blocked atomic.Int64
	release chan struct{}
}

// startBlocking serves on one event loop. Handlers are released at the end at the latest.
func startBlocking(t *testing.T, e molva.Engine) (*blocking, string) {
	t.Helper()
	b := &blocking{release: make(chan struct{})}
	b.Engine, b.Workers = e, 1
	b.OnMessage = func(c *molva.Conn, m molva.Message) {
		if m.String() != askBlock {
			answer(c, m)
			return
		}
		b.blocked.Add(1)
		<-b.release
		answer(c, m)
	}
	addr := start(t, &b.Server)
	t.Cleanup(b.letGo)
	return b, addr
}

func (b *blocking) letGo() {
	select {
	case <-b.release:
	default:
		close(b.release)
	}
}

// quickClients echo without a pause until told to stop, and note how long each echo takes.
type quickClients struct {
	running sync.WaitGroup
	stop    chan struct{}
	mu      sync.Mutex
	took    []time.Duration
}

func startQuickClients(t *testing.T, addr string, n int) *quickClients {
	t.Helper()
	q := &quickClients{stop: make(chan struct{})}
	for range n {
		c := dial(t, addr, nil)
		q.running.Go(func() { q.echo(t, c) })
	}
	return q
}

func (q *quickClients) echo(t *testing.T, c *molva.Conn) {
	ctx := inTime(t)
	for {
		select {
		case <-q.stop:
			return
		case <-time.After(time.Millisecond):
		}
		begun := time.Now()
		if err := c.Write(ctx, molva.Text("quick")); err != nil {
			t.Errorf("Write: %v", err)
			return
		}
		if _, err := c.Read(ctx); err != nil {
			t.Errorf("Read: %v", err)
			return
		}
		q.mu.Lock()
		q.took = append(q.took, time.Since(begun))
		q.mu.Unlock()
	}
}

// p99 returns the 99th percentile of the echoes that have come since it was last called, at least a thousand.
func (q *quickClients) p99(t *testing.T) time.Duration {
	t.Helper()
	enough := func() bool {
		q.mu.Lock()
		defer q.mu.Unlock()
		return len(q.took) >= 1000
	}
	if !within(peerPatience, enough) {
		t.Fatal("a thousand echoes did not come")
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	slices.Sort(q.took)
	p99 := q.took[len(q.took)*99/100]
	q.took = q.took[:0]
	return p99
}

func (q *quickClients) end() {
	close(q.stop)
	q.running.Wait()
}

// TestBlockedHandlersHoldNobodyUp has handlers block, and looks at how long others on the same loop wait for their
// echoes, while the handlers begin to block and afterwards.
func TestBlockedHandlersHoldNobodyUp(t *testing.T) {
	// Somebody else may keep the machine busy, but not every time. Who was held up by the handlers would wait until
	// they are let go.
	const most, tries = 250 * time.Millisecond, 5
	tests := []struct {
		name     string
		handlers int
	}{{"one", 1}, {"a thousand at once", 1000}}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			forEngines(t, func(t *testing.T, e molva.Engine) {
				for try := 1; ; try++ {
					before, blocked := delays(t, e, test.handlers)
					if blocked <= before+most || raceDetector {
						return
					}
					if try == tries {
						t.Fatalf("p99 is %v, it was %v before", blocked, before)
					}
				}
			})
		})
	}
}

// delays returns the 99th percentile of how long others wait before so many handlers block, and with them.
func delays(t *testing.T, e molva.Engine, handlers int) (before, blocked time.Duration) {
	t.Helper()
	srv, addr := startBlocking(t, e)
	var asking []*peer
	for range handlers {
		asking = append(asking, dialPeer(t, addr, config{}))
	}
	quick := startQuickClients(t, addr, 10)
	before = quick.p99(t)
	begun := time.Now()
	for _, p := range asking {
		p.send(textFrame(askBlock))
	}
	if !within(peerPatience, func() bool { return srv.blocked.Load() == int64(handlers) }) {
		t.Fatalf("%d of %d handlers run", srv.blocked.Load(), handlers)
	}
	all := time.Since(begun)
	meanwhile, after := quick.p99(t), quick.p99(t)
	srv.letGo()
	for _, p := range asking {
		p.want(textFrame(askBlock))
	}
	quick.end()
	t.Logf("p99 %v before, %v while they begin to block (%v), %v then", before, meanwhile, all, after)
	return before, max(meanwhile, after)
}

// TestShutdownLeavesAHandlerThatNeverReturns has one connection whose handler hangs: Shutdown gives up with its
// context, and everybody, this client included, is told and let go.
func TestShutdownLeavesAHandlerThatNeverReturns(t *testing.T) {
	forEngines(t, func(t *testing.T, e molva.Engine) {
		closed := make(chan error, 2)
		srv, addr := startBlocking(t, e)
		srv.OnClose = func(_ *molva.Conn, err error) { closed <- err }
		hanging, idle := dialPeer(t, addr, config{}), dial(t, addr, nil)
		hanging.send(textFrame(askBlock))
		if !within(peerPatience, func() bool { return srv.blocked.Load() == 1 }) {
			t.Fatal("the handler was not called")
		}
		ended := make(chan error, 1)
		go func() {
			_, err := idle.Read(inTime(t))
			ended <- err
		}()

		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		stopped := make(chan error, 1)
		go func() { stopped <- srv.Shutdown(ctx) }()
		wantEnd(t, got(t, ended, "the end of the idle connection"), molva.CloseGoingAway, true)
		wantEnd(t, got(t, closed, "OnClose of the idle connection"), molva.CloseGoingAway, false)
		select {
		case err := <-stopped:
			t.Errorf("Shutdown: %v, while a handler was running", err)
		default:
		}
		cancel()
		if err := got(t, stopped, "the end of Shutdown"); !errors.Is(err, context.Canceled) {
			t.Errorf("Shutdown: %v", err)
		}
		hanging.want(closeFrame(molva.CloseGoingAway, "server is shutting down"))

		select {
		case err := <-closed:
			t.Errorf("OnClose(%v) came while OnMessage was running", err)
		default:
		}
		srv.letGo()
		wantEnd(t, got(t, closed, "OnClose of the hanging connection"), molva.CloseAbnormal, false) // it was cut
		if !within(peerPatience, func() bool { return !anyGoroutine("startBlocking") }) {
			t.Error("the handler's goroutine is still there")
		}
	})
}

// anyGoroutine reports whether some goroutine runs a function so named.
func anyGoroutine(function string) bool {
	return slices.ContainsFunc(libraryGoroutines(), func(stack string) bool { return strings.Contains(stack, function) })
}
