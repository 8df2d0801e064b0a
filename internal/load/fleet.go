package load

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/molva-ws/molva/wire"
)

// A pattern decides what is sent. Its methods are called with the connection's shard locked.
type pattern interface {
	// shapeOf returns what a message looks like.
	shapeOf(source, sequence uint32) shape
	// opened is called when c may send.
	opened(c *conn)
	// arrived is called when n messages have come back, from number first on.
	arrived(c *conn, first uint32, n int)
	// gone is called when c has lost its socket, which was live. It returns true if that was meant to happen.
	gone(c *conn, err error) (meant bool)
}

// A shard is the connections of one event loop, with everything they share. Its lock is taken once for all that a
// system call has read, and nobody contends for it but those who ask for figures.
type shard struct {
	fleet *fleet
	index int
	mu    sync.Mutex
	conns []*conn
	now   time.Duration // since the fleet was made
	plan  *schedule     // when messages are due; nil without a rate, and of a fan-out, whose publisher has its own

	latency     Histogram
	uncorrected Histogram // of a run with a rate
	received    uint64    // messages in the present phase
	sent        uint64    // messages ever
	passed      uint64    // of which came back or were given up

	batch    []byte  // requests to be stamped
	approved []byte  // a response that was judged well
	known    []known // messages to everyone
	message  []byte  // scratch
	request  []byte  // scratch
	frame    []byte  // scratch
	packed   []byte  // scratch
	inflated []byte  // scratch
	deflater wire.Deflater
	inflater wire.Inflater
}

// A fleet is all connections to one server.
type fleet struct {
	cfg     *Config
	target  *target
	pattern pattern
	format  *format // nil where messages differ
	rooms   *rooms  // nil unless the server speaks molva's client protocol
	text    []byte  // templates of payloads
	binary  []byte
	largest int // payload
	key     uint32
	conns   []conn
	shards  []*shard
	sources sources
	network network
	began   time.Time
	faults  *faultLog
	broken  chan struct{} // closed when the run cannot go on
	once    sync.Once
	err     error // why
	opening chan struct{}
	redial  chan *conn // connections that are to come back; nil where none are
	retries atomic.Uint64
	live    atomic.Int64

	published atomic.Uint32 // messages; for a fan-out
	greeted   atomic.Uint64 // connections of a fan-out from which the server reads
	rateLimit atomic.Uint64 // of messages from a client in a second, as the server says
	overflows func() uint64 // of accept queues of this machine, since the run began
	parting   atomic.Bool   // all connections are being closed
	strangers atomic.Uint64 // messages that came and have no number
}

// network makes connections.
type network interface {
	// connect begins to connect c, whose sock is set before its handler is called.
	connect(c *conn) error
	// tick calls f every so often, with the shard locked, until stop is called.
	tick(s *shard, every time.Duration, f func()) (stop func(), err error)
	close()
}

// batchSize is how many bytes are stamped at once.
const batchSize = 256 << 10

func newFleet(ctx context.Context, cfg *Config) (*fleet, error) {
	t, err := newTarget(ctx, cfg)
	if err != nil {
		return nil, err
	}
	f := &fleet{
		cfg:     cfg,
		target:  t,
		key:     newKey(),
		conns:   make([]conn, cfg.Conns),
		began:   time.Now(),
		faults:  newFaultLog(),
		broken:  make(chan struct{}),
		opening: make(chan struct{}, cfg.AtOnce),
		largest: cfg.Size,
	}
	if cfg.Molva {
		f.rooms = newRooms(cfg.Mode == Fanout)
	}
	if f.sources, err = newSources(cfg, t); err != nil {
		return nil, err
	}
	if err := f.openNetwork(); err != nil {
		return nil, err
	}
	for i := range cfg.Loops {
		f.shards = append(f.shards, &shard{fleet: f, index: i})
	}
	for i := range f.conns {
		s := f.shards[i%len(f.shards)]
		f.conns[i] = conn{shard: s, id: uint32(i), hears: uint32(i), slot: uint32(len(s.conns))}
		s.conns = append(s.conns, &f.conns[i])
	}
	return f, nil
}

// sendAll makes messages of one format what all connections send.
func (f *fleet) sendAll(format *format) {
	f.format = format
	template := format.response[format.outTag:]
	f.text, f.binary = template, template
	for _, s := range f.shards {
		perBatch := max(1, min(f.cfg.Inflight, batchSize/len(format.request)))
		s.batch = format.batch(perBatch)
	}
}

// template returns what messages of a type consist of, beside the tag.
func (f *fleet) template(op wire.Opcode) []byte {
	if op == wire.OpText {
		return f.text
	}
	return f.binary
}

func (f *fleet) shapeOf(source, sequence uint32) shape { return f.pattern.shapeOf(source, sequence) }

func (f *fleet) now() time.Duration { return time.Since(f.began) }

// fail ends the run.
func (f *fleet) fail(err error) {
	f.once.Do(func() {
		f.err = err
		close(f.broken)
	})
}

// each calls do for every connection, with its shard locked.
func (f *fleet) each(do func(c *conn)) {
	for i := range f.conns {
		c := &f.conns[i]
		c.shard.mu.Lock()
		c.shard.now = f.now()
		do(c)
		c.shard.mu.Unlock()
	}
}

// outstanding returns how many messages are under way.
func (f *fleet) outstanding() (n uint64) {
	for _, s := range f.shards {
		s.mu.Lock()
		n += s.sent - s.passed
		s.mu.Unlock()
	}
	return n
}

// received returns how many messages have come in the present phase.
func (f *fleet) received() (n uint64) {
	for _, s := range f.shards {
		s.mu.Lock()
		n += s.received
		s.mu.Unlock()
	}
	return n
}

// restart forgets what was measured.
func (f *fleet) restart() {
	for _, s := range f.shards {
		s.mu.Lock()
		s.received = 0
		s.latency, s.uncorrected = Histogram{}, Histogram{}
		s.mu.Unlock()
	}
}

// latency returns what was measured, and of a run with a rate also what it would be uncorrected.
func (f *fleet) latency() (h, uncorrected *Histogram) {
	h, uncorrected = new(Histogram), new(Histogram)
	for _, s := range f.shards {
		s.mu.Lock()
		h.Add(&s.latency)
		uncorrected.Add(&s.uncorrected)
		s.mu.Unlock()
	}
	return h, uncorrected
}

// part closes all connections, in good order as far as the server lets us within the given time.
func (f *fleet) part(patience time.Duration) {
	f.parting.Store(true)
	defer f.network.close()
	select {
	case <-f.broken:
		return
	default:
	}
	f.each(func(c *conn) {
		if c.state == live {
			c.leave()
		}
	})
	for began := time.Now(); f.live.Load() > 0 && time.Since(began) < patience; {
		time.Sleep(2 * time.Millisecond)
	}
}
