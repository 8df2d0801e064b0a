package molva

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/molva-ws/molva/internal/loop"
	"github.com/molva-ws/molva/wire"
)

// Limits bounds what one connection may cost. A zero field means the default, a negative one no limit.
type Limits struct {
	Message   int64 // bytes in a received message, after inflating; default 1 MiB
	Frame     int64 // bytes in a received frame; default: as Message
	Fragments int   // frames in a received message; default 1,024
	Outbox    int   // bytes that wait to be sent; default 1 MiB

	// Messages is how many messages the peer may send in a second, pings and pongs counted with them. It may be a
	// fraction: 0.1 is one in ten seconds. Default: any number.
	Messages float64
	// MessageBurst is how many of them may come at once; default: what may come in a second, and at least one.
	MessageBurst int
	// Bytes is how many bytes the peer may send in a second, as they are on the wire. Default: any number.
	Bytes float64
	// ByteBurst is how many of them may come at once; default: what may come in a second. What is read by one system
	// call passes as a whole and is paid for afterwards.
	ByteBurst int64
	// Fast is what becomes of a connection whose peer is faster than that.
	Fast FastPolicy
}

// Timeouts bounds what one connection may wait for. A zero field means the default, a negative one forever.
type Timeouts struct {
	Handshake time.Duration // for the opening handshake; default 10 s
	Ping      time.Duration // silence after which the peer is pinged; default 30 s
	Pong      time.Duration // silence after which the connection is given up; default 60 s
	Close     time.Duration // for the closing handshake; default 5 s
	Write     time.Duration // how long the peer may take no byte while some are waiting; default 60 s
}

// Compression configures permessage-deflate (RFC 7692). The zero value is off.
type Compression struct {
	// Enabled offers compression, or accepts the peer's offer. Without Takeover it costs a connection no memory.
	Enabled bool
	// Takeover lets messages refer to earlier ones. Small messages that resemble each other shrink much further, for
	// up to 37 KB of memory on each connection.
	Takeover bool
	// MinSize is the size in bytes from which messages are compressed; 0 means 512, negative all of them.
	MinSize int
	// WindowBits is the base-2 logarithm of the largest window, 8 to 15; 0 means 15.
	WindowBits int
}

const (
	defaultHandshakeTimeout = 10 * time.Second
	defaultPing             = 30 * time.Second
	defaultPong             = 60 * time.Second
	defaultCloseTimeout     = 5 * time.Second
	defaultMinCompress      = 512
	defaultHeaderBytes      = 16 << 10

	forever = time.Duration(1<<63 - 1)
)

// orDefault resolves the convention of Timeouts.
func orDefault(d, fallback time.Duration) time.Duration {
	switch {
	case d == 0:
		return fallback
	case d < 0:
		return forever
	}
	return d
}

// settings is what connections of one kind share, with the defaults filled in. It never changes, but for the rates.
type settings struct {
	limits      wire.Limits
	outbox      loop.Config
	ping        time.Duration
	pong        time.Duration
	close       time.Duration
	handshake   time.Duration
	compression Compression
	slow        SlowPolicy
	rates       *atomic.Pointer[rates]
	server      *Server // nil on connections that have none
	counts      *counts // nil on connections that have no server
	log         *slog.Logger

	decoders sync.Pool // of *wire.Decoder; see takeDecoder
}

func newSettings(l Limits, t Timeouts, c Compression, slow SlowPolicy, log *slog.Logger) *settings {
	s := &settings{
		limits:      wireLimits(l),
		outbox:      loop.Config{Outbox: l.Outbox},
		ping:        orDefault(t.Ping, defaultPing),
		pong:        orDefault(t.Pong, defaultPong),
		close:       orDefault(t.Close, defaultCloseTimeout),
		handshake:   orDefault(t.Handshake, defaultHandshakeTimeout),
		compression: c,
		slow:        slow.or(SlowClose),
		rates:       new(atomic.Pointer[rates]),
		log:         log,
	}
	s.rates.Store(newRates(l))
	s.outbox.WriteTimeout = orDefault(t.Write, 0)
	if l.Outbox < 0 {
		s.outbox.Outbox = int(^uint(0) >> 1)
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	if s.compression.MinSize == 0 {
		s.compression.MinSize = defaultMinCompress
	}
	return s
}

func wireLimits(l Limits) wire.Limits {
	return wire.Limits{Message: l.Message, Frame: l.Frame, Fragments: l.Fragments}
}

// outboxLimit returns the limit in bytes on what waits to be sent.
func (s *settings) outboxLimit() int {
	if s.outbox.Outbox > 0 {
		return s.outbox.Outbox
	}
	return loop.DefaultOutbox
}

// belongsTo makes connections have a server, and count for it.
func (s *settings) belongsTo(server *Server) {
	s.server, s.counts = server, server.counts
	s.outbox.Dropped, s.outbox.Replaced, s.outbox.Traffic = s.counts.drop, s.counts.replace, &s.counts.streams
}
