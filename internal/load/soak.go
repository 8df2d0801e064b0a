package load

import (
	"context"
	"encoding/binary"
	"sync/atomic"
	"time"

	"github.com/molva-ws/molva/wire"
)

// soak sends what clients send in a long life: messages of all sizes, text and binary, whole and in fragments, pings
// between them and within them; and connections come and go, in good order and not.
type soak struct {
	fleet      *fleet
	stamps     [][]time.Duration // of each shard, as of an echo
	going      atomic.Bool
	reconnects atomic.Uint64
	pings      atomic.Uint64
}

// soaking is what a soak keeps of a connection.
type soaking struct {
	left   int    // messages until the connection is replaced
	abrupt bool   // without a closing handshake
	pinged uint32 // the number in the last ping
	ponged uint32 // and in the last pong
}

func newSoak(f *fleet) *soak {
	f.text, f.binary = payload(Unicode, f.cfg.Size), payload(Binary, f.cfg.Size)
	m := &soak{fleet: f}
	for _, s := range f.shards {
		m.stamps = append(m.stamps, make([]time.Duration, len(s.conns)*f.cfg.Inflight))
	}
	for i := range f.conns {
		f.conns[i].soaking = new(soaking)
	}
	return m
}

// chance returns 64 random bits that belong to a message (splitmix64).
func (m *soak) chance(source, sequence uint32, what uint64) uint64 {
	x := m.fleet.cfg.Seed ^ uint64(source)<<32 ^ uint64(sequence) ^ what<<56
	for range 2 {
		x += 0x9e3779b97f4a7c15
		x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
		x = (x ^ x>>27) * 0x94d049bb133111eb
		x ^= x >> 31
	}
	return x
}

// What chance decides.
const (
	chanceShape = iota
	chanceForm
	chanceLife
)

// soakShare is how much smaller than the largest messages all are on average, at least.
const soakShare = 8

// edges are the sizes at which the form of a frame's header changes.
var edges = [...]int{tagSize, 125, 126, 127, 65535, 65536}

// shapeOf makes most messages small, some large, and some of a size at the edge of something.
func (m *soak) shapeOf(source, sequence uint32) shape {
	x := m.chance(source, sequence, chanceShape)
	most := 256
	switch kind := x >> 8 & 0xff; {
	case kind < 8:
		most = m.fleet.cfg.Size
	case kind < 48:
		most = 4096
	case kind < 64:
		most = edges[x>>16%uint64(len(edges))]
	}
	size := most
	if kind := x >> 8 & 0xff; kind < 48 || kind >= 64 {
		size = tagSize + int(x>>24%uint64(max(1, most-tagSize+1)))
	}
	size = max(tagSize, min(size, m.fleet.cfg.Size))
	if x&1 == 0 && m.fleet.rooms == nil {
		return shape{wire.OpBinary, size}
	}
	return shape{wire.OpText, cutText(m.fleet.text, size)}
}

// opened begins a connection's next life.
func (m *soak) opened(c *conn) {
	x := m.chance(c.id, c.granted, chanceLife)
	k := c.soaking
	k.left = 1 + int(x>>8%uint64(2*m.fleet.cfg.Lifetime))
	k.abrupt = x&1 == 0
	k.ponged = k.pinged
	m.fillUp(c)
}

func (m *soak) arrived(c *conn, first uint32, n int) {
	s, inflight := c.shard, uint32(m.fleet.cfg.Inflight)
	stamps := m.stamps[s.index][c.slot*inflight:][:inflight]
	sent := &s.latency
	if s.plan != nil {
		s.recordDue(c, first, n)
		sent = &s.uncorrected
	}
	for i := range uint32(n) {
		sent.Record(s.now - stamps[(first+i)%inflight])
	}
	m.fillUp(c)
}

// fillUp sends until enough is under way or nothing more is due, or ends the connection when its time has come.
func (m *soak) fillUp(c *conn) {
	k, inflight := c.soaking, uint32(m.fleet.cfg.Inflight)
	stamps := m.stamps[c.shard.index][c.slot*inflight:][:inflight]
	for c.state == live && m.going.Load() && k.left > 0 && c.ahead() < inflight && c.isDue() {
		stamps[c.granted%inflight] = c.shard.now
		m.send(c)
		k.left--
	}
	switch {
	case c.state != live || !m.going.Load() || k.left > 0:
	case k.abrupt:
		m.reconnects.Add(1)
		c.end(errWanted)
	case c.ahead() == 0:
		m.reconnects.Add(1)
		c.leave()
	}
}

// isDue reports whether the next message may leave.
func (c *conn) isDue() bool { return c.shard.plan == nil || c.due != c.granted }

// send sends the next message, in one frame or in several.
func (m *soak) send(c *conn) {
	s, sequence := c.shard, c.granted
	c.granted++
	s.sent++
	want := m.shapeOf(c.id, sequence)
	message := c.message(want, sequence)
	x := m.chance(c.id, sequence, chanceForm)
	if x&31 == 0 {
		m.ping(c)
	}
	switch {
	case m.fleet.cfg.Compress && x>>5&1 == 0:
		c.sendPacked(want.op, message)
	case x>>6&3 == 0:
		m.sendFragments(c, want.op, message, x>>8)
	default:
		c.sendPart(want.op, true, message)
	}
}

// sendFragments cuts a message where chance says, not minding characters, and puts pings between.
func (m *soak) sendFragments(c *conn, op wire.Opcode, message []byte, x uint64) {
	fragments := 2 + int(x&3)
	for i := range fragments {
		last := i == fragments-1
		n := len(message)
		if !last {
			n = int(x >> (4 + 8*i) & 0xff % uint64(len(message)+1))
		}
		c.sendPart(op, last, message[:n])
		message, op = message[n:], wire.OpContinuation
		if x>>(40+i)&3 == 0 && !last {
			m.ping(c)
		}
	}
}

func (m *soak) ping(c *conn) {
	c.soaking.pinged++
	m.pings.Add(1)
	c.sendFrame(wire.OpPing, binary.BigEndian.AppendUint32(nil, c.soaking.pinged))
}

// pong takes the answer to a ping. A server may leave out the answers to all but the latest (RFC 6455 §5.5.3).
func (c *conn) pong(payload []byte) {
	k := c.soaking
	if k == nil {
		c.shard.fleet.greeted.Add(1)
		return
	}
	n := uint32(0)
	if len(payload) == 4 {
		n = binary.BigEndian.Uint32(payload)
	}
	if n-k.ponged-1 >= k.pinged-k.ponged {
		c.broken("a pong with % x where ping %d was to be answered", payload, k.ponged+1)
		return
	}
	k.ponged = n
}

func (m *soak) gone(*conn, error) bool { return false }

func (m *soak) run(ctx context.Context, r *run) error {
	stop := m.fleet.comeBackAlways(ctx)
	m.going.Store(true)
	stopRate, err := m.start()
	if err == nil {
		err = r.measure(ctx)
		r.result.Unsent = stopRate()
	}
	m.going.Store(false)
	stop()
	r.result.Reconnects, r.result.Pings = m.reconnects.Load(), m.pings.Load()
	if err != nil {
		return err
	}
	if err := r.drain(ctx, m.pending); err != nil || r.result.Interrupted {
		return err
	}
	m.fleet.each(func(c *conn) {
		if k := c.soaking; c.state == live && k.ponged != k.pinged {
			c.fault(BrokeRules, c.next, "ping %d was not answered within %v", k.pinged, r.cfg.Patience)
		}
	})
	return nil
}

// start has the first messages sent. A rate is kept until stop is called, which returns how many messages were due.
func (m *soak) start() (stop func() (unsent uint64), err error) {
	if m.fleet.cfg.Rate > 0 {
		return m.fleet.keepRate(m.fillUp)
	}
	m.fleet.each(m.fillUp)
	return func() uint64 { return 0 }, nil
}

// pending reports whether something has yet to come.
func (m *soak) pending() bool {
	if m.fleet.outstanding() > 0 {
		return true
	}
	waiting := false
	m.fleet.each(func(c *conn) {
		waiting = waiting || c.state == live && c.soaking.ponged != c.soaking.pinged
	})
	return waiting
}
