package load

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/molva-ws/molva/internal/loop"
)

// streams is the network with a goroutine for each connection: for TLS, and for systems without event loops.
type streams struct {
	fleet   *fleet
	config  loop.Config
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu   sync.Mutex
	live map[*loop.Stream]struct{}
}

func newStreams(f *fleet) *streams {
	n := &streams{fleet: f, live: make(map[*loop.Stream]struct{})}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	return n
}

func (n *streams) connect(c *conn) error {
	c.shard.mu.Lock()
	c.state = connecting
	c.shard.mu.Unlock()
	n.running.Go(func() {
		nc, err := n.dial(n.fleet.sources.of(c))
		if err != nil {
			c.Closed(err)
			return
		}
		stream := loop.NewStream(nc, &n.config, nil)
		n.mu.Lock()
		n.live[stream] = struct{}{}
		n.mu.Unlock()
		if n.ctx.Err() != nil {
			stream.Abort(n.ctx.Err())
		}
		c.begin(stream)
		c.Data(nil)
		stream.Serve(c)
		n.mu.Lock()
		delete(n.live, stream)
		n.mu.Unlock()
	})
	return nil
}

func (n *streams) dial(from netip.Addr) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(n.ctx, n.fleet.cfg.Patience)
	defer cancel()
	var d net.Dialer
	if from.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	}
	nc, err := d.DialContext(ctx, "tcp", n.fleet.target.addr.String())
	if err != nil {
		return nil, err
	}
	nc.(*net.TCPConn).SetLinger(0)
	if !n.fleet.target.secure {
		return nc, nil
	}
	config := n.fleet.cfg.TLS.Clone()
	if config == nil {
		config = new(tls.Config)
	}
	if config.ServerName == "" {
		config.ServerName = n.fleet.target.host
	}
	config.NextProtos = []string{"http/1.1"}
	secured := tls.Client(nc, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		nc.Close()
		return nil, err
	}
	return secured, nil
}

func (n *streams) tick(s *shard, every time.Duration, f func()) (stop func(), err error) {
	ctx, cancel := context.WithCancel(n.ctx)
	n.running.Go(func() {
		t := time.NewTicker(max(every, time.Millisecond))
		defer t.Stop()
		for {
			s.mu.Lock()
			s.now = s.fleet.now()
			f()
			s.mu.Unlock()
			select {
			case <-t.C:
			case <-ctx.Done():
				return
			}
		}
	})
	return cancel, nil
}

func (n *streams) close() {
	n.cancel()
	n.mu.Lock()
	for stream := range n.live {
		stream.Abort(n.ctx.Err())
	}
	n.mu.Unlock()
	n.running.Wait()
}
