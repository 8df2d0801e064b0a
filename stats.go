package molva

import (
	"errors"
	"sync/atomic"
	"unsafe"

	"github.com/molva-ws/molva/internal/counter"
	"github.com/molva-ws/molva/internal/loop"
)

// Stats is what a [Server] has seen since it was made. Numbers that are not said to be of now only grow. They are no
// snapshot: each is read on its own while the server goes on.
type Stats struct {
	Conns      int64  // WebSockets open now, those included whose OnClose has not returned
	Openings   int64  // connections on the server's own port now whose first request has not come yet
	Handshakes uint64 // opening handshakes accepted

	Refused RefusedStats
	Spared  SparedStats

	MessagesIn  uint64 // messages received, control frames not counted; those that came together when all are handled
	MessagesOut uint64 // messages taken for sending, one for each connection that a message to many reaches
	BytesIn     uint64 // bytes read, headers of frames and handshakes on the server's own port included; of TLS, inside it
	BytesOut    uint64 // bytes written, likewise

	Slow  SlowStats
	Fast  FastStats
	Loops LoopStats
}

// RefusedStats counts connections and handshakes that were refused, by the reason.
type RefusedStats struct {
	Request  uint64 // not HTTP, no correct handshake, or where it comes from is not clear; 400, 405, 426 and such
	Origin   uint64 // a page from elsewhere; 403
	Total    uint64 // Admission.Conns was reached; 503
	Addr     uint64 // Admission.ConnsPerAddr was reached; 429
	Rate     uint64 // too soon after others by Admission.Handshakes; 429
	Upgrade  uint64 // Server.OnUpgrade said no
	Timeout  uint64 // the request had not come whole by Timeouts.Handshake; 408, or nothing if it had not begun
	TooLarge uint64 // the request's header was too long; 431
	Shutdown uint64 // the server was shutting down; 503
	Failed   uint64 // the server could not answer
}

// SparedStats counts those whom Admission would have refused but for its DryRun, by the limit.
type SparedStats struct {
	Total uint64
	Addr  uint64
	Rate  uint64
}

// SlowStats counts what became of clients that did not read fast enough; see [SlowPolicy].
type SlowStats struct {
	Closed  uint64 // connections closed because the outbox was full
	Stalled uint64 // connections closed because the peer took nothing at all for Timeouts.Write
	Refused uint64 // messages that were not taken for sending
	Dropped uint64 // messages that were dropped from an outbox to make room
	Latest  uint64 // messages whose place in an outbox a newer one took, see SlowKeepLatest
}

// FastStats counts what became of clients that sent too fast; see [FastPolicy].
type FastStats struct {
	Paused uint64 // times that reading from a connection had to pause
	Closed uint64 // connections closed
}

// LoopStats counts what the event loops have done. It stays zero where there are none.
type LoopStats struct {
	Turns        uint64 // of all loops
	Handovers    uint64 // times a loop was taken over by another goroutine because a callback blocked
	Dispatched   uint64 // callbacks given a goroutine of their own because those before them had blocked
	AcceptErrors uint64 // times that accepting paused for want of descriptors or memory
}

// Stats returns what the server has counted. It costs a few microseconds, however many connections there are.
func (s *Server) Stats() Stats {
	s.init()
	stats := s.counts.stats()
	stats.Openings = s.door.gate.Visitors()
	s.mu.Lock()
	stats.Conns = int64(s.open)
	s.mu.Unlock()
	return stats
}

// Queued returns how many bytes wait in the outboxes of all connections now. It asks each of them, some 10 ms for
// 100,000, and so is no part of Stats.
func (s *Server) Queued() int64 {
	var sum int64
	conns := s.hub.snapshot(s.hub.all.appendTo)
	defer freeSnapshot(conns)
	for _, c := range *conns {
		sum += int64(c.transport.Queued())
	}
	return sum
}

// Queued returns how many bytes wait in the connection's outbox now, 0 when it has ended. It may be called from any
// goroutine.
func (c *Conn) Queued() int { return c.transport.Queued() }

// refusedFor is the reason of a refusal.
type refusedFor uint8

const (
	refusedRequest refusedFor = iota
	refusedOrigin
	refusedTotal
	refusedAddr
	refusedRate
	refusedUpgrade
	refusedTimeout
	refusedTooLarge
	refusedShutdown
	refusedFailed
	refusedReasons // how many there are
)

// counts is what Stats is made of. The methods may be called on nil, for connections that have no server.
type counts struct {
	group       atomic.Pointer[loop.Group]
	handshakes  atomic.Uint64
	refused     [refusedReasons]atomic.Uint64
	spared      [refusedReasons]atomic.Uint64
	slowClosed  atomic.Uint64
	slowStalled atomic.Uint64
	slowRefused atomic.Uint64
	slowDropped atomic.Uint64
	slowLatest  atomic.Uint64
	fastPaused  atomic.Uint64
	fastClosed  atomic.Uint64

	messagesIn  counter.Counter
	messagesOut counter.Counter
	streams     loop.Traffic
}

func (n *counts) refuse(reason refusedFor) {
	if n != nil {
		n.refused[reason].Add(1)
	}
}

// received counts messages that c has received.
func (n *counts) received(c *Conn, messages int) {
	if n != nil && messages > 0 {
		n.messagesIn.Add(unsafe.Pointer(c), uint64(messages))
	}
}

// sent counts a message that c has taken for sending, where the transport does not count it.
func (n *counts) sent(c *Conn) {
	if n != nil {
		n.messagesOut.Add(unsafe.Pointer(c), 1)
	}
}

// refuseMessage counts a message for which an outbox had no room.
func (n *counts) refuseMessage() {
	if n != nil {
		n.slowRefused.Add(1)
	}
}

// drop is [loop.Config.Dropped].
func (n *counts) drop(messages int) { n.slowDropped.Add(uint64(messages)) }

// replace is [loop.Config.Replaced].
func (n *counts) replace() { n.slowLatest.Add(1) }

func (n *counts) pause() {
	if n != nil {
		n.fastPaused.Add(1)
	}
}

// ended counts connections that were closed for what the peer did.
func (n *counts) ended(err *CloseError) {
	switch {
	case errors.Is(err.cause, ErrBufferFull):
		n.slowClosed.Add(1)
	case errors.Is(err.cause, ErrTooFast):
		n.fastClosed.Add(1)
	case err.Code == ClosePolicyViolation && errors.Is(err.cause, ErrTimeout):
		n.slowStalled.Add(1)
	}
}

func (n *counts) stats() Stats {
	stats := Stats{
		Handshakes: n.handshakes.Load(),
		Refused:    n.refusedStats(),
		Spared: SparedStats{
			Total: n.spared[refusedTotal].Load(),
			Addr:  n.spared[refusedAddr].Load(),
			Rate:  n.spared[refusedRate].Load(),
		},
		MessagesIn:  n.messagesIn.Load(),
		MessagesOut: n.messagesOut.Load() + n.streams.Messages.Load(),
		BytesIn:     n.streams.In.Load(),
		BytesOut:    n.streams.Out.Load(),
		Slow: SlowStats{
			Closed:  n.slowClosed.Load(),
			Stalled: n.slowStalled.Load(),
			Refused: n.slowRefused.Load(),
			Dropped: n.slowDropped.Load(),
			Latest:  n.slowLatest.Load(),
		},
		Fast: FastStats{Paused: n.fastPaused.Load(), Closed: n.fastClosed.Load()},
	}
	if group := n.group.Load(); group != nil {
		loops := group.Stats()
		stats.BytesIn += loops.BytesIn
		stats.BytesOut += loops.BytesOut
		stats.MessagesOut += loops.Messages
		stats.Loops = LoopStats{
			Turns:        loops.Turns,
			Handovers:    loops.Handovers,
			Dispatched:   loops.Dispatched,
			AcceptErrors: loops.AcceptErrors,
		}
	}
	return stats
}

func (n *counts) refusedStats() RefusedStats {
	of := func(reason refusedFor) uint64 { return n.refused[reason].Load() }
	return RefusedStats{
		Request:  of(refusedRequest),
		Origin:   of(refusedOrigin),
		Total:    of(refusedTotal),
		Addr:     of(refusedAddr),
		Rate:     of(refusedRate),
		Upgrade:  of(refusedUpgrade),
		Timeout:  of(refusedTimeout),
		TooLarge: of(refusedTooLarge),
		Shutdown: of(refusedShutdown),
		Failed:   of(refusedFailed),
	}
}
