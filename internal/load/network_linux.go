package load

import (
	"log/slog"
	"time"

	"github.com/molva-ws/molva/internal/loop"
)

// never is how long a callback may keep its loop: ours do not block, and while no loop is taken over a shard has only
// one goroutine.
const never = time.Hour

// loops is the network on event loops.
type loops struct {
	fleet *fleet
	group *loop.Group
}

func (f *fleet) openNetwork() error {
	if f.target.secure {
		f.network = newStreams(f)
		return nil
	}
	g, err := loop.NewGroup(loop.GroupConfig{Loops: f.cfg.Loops, Blocked: never, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return advise(err, f)
	}
	f.network = &loops{f, g}
	return nil
}

func (n *loops) connect(c *conn) error {
	d := loop.Dialing{
		To:    n.fleet.target.addr,
		From:  n.fleet.sources.of(c),
		Loop:  c.shard.index,
		Reset: true, // thousands of sockets in TIME_WAIT would eat the ports of the next run
	}
	return n.group.Connect(d, func(sock loop.Conn) loop.Handler {
		c.begin(sock)
		return c
	})
}

func (n *loops) tick(s *shard, every time.Duration, f func()) (stop func(), err error) {
	socks := make(chan loop.Conn, 1)
	err = n.group.Tick(s.index, every, func(sock loop.Conn) loop.Handler {
		socks <- sock
		return &ticker{s, f}
	})
	if err != nil {
		return nil, advise(err, n.fleet)
	}
	return func() { (<-socks).Abort(nil) }, nil
}

// ticker is the handler of a tick.
type ticker struct {
	shard *shard
	f     func()
}

// Data implements [loop.Handler].
func (t *ticker) Data([]byte) {
	t.shard.mu.Lock()
	defer t.shard.mu.Unlock()
	t.shard.now = t.shard.fleet.now()
	t.f()
}

// Timer implements [loop.Handler].
func (t *ticker) Timer() {}

// Closed implements [loop.Handler].
func (t *ticker) Closed(error) {}

func (n *loops) close() { n.group.Close() }
