// Package admission counts the clients of a server, in total and by address, and says who has to stay outside.
package admission

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/molva-ws/molva/internal/ratelimit"
)

var (
	// ErrTotal says that there are as many connections as there may be.
	ErrTotal = errors.New("too many connections")
	// ErrAddr says that there are as many connections from the address as there may be.
	ErrAddr = errors.New("too many connections from this address")
)

// RateError says that too many handshakes have come from the address lately.
type RateError struct {
	RetryAfter time.Duration // until the next one is allowed
}

// Error tells when to come again.
func (e *RateError) Error() string {
	return fmt.Sprintf("too many handshakes from this address; the next is allowed in %v", e.RetryAfter)
}

// Limits bounds what a [Gate] lets in. A zero field is no limit.
type Limits struct {
	Conns        int             // connections at a time
	ConnsPerAddr int             // connections at a time from one address
	Handshakes   ratelimit.Limit // of one address
	IPv6Prefix   int             // leading bits that make an IPv6 address; zero means 64
	DryRun       bool            // everybody is let in; the errors of Connect say who should not have been
}

// minVisitors is the least number of visitors that a limit on connections leaves room for: a page that has nothing to
// do with WebSockets may open a few connections at once to be loaded.
const minVisitors = 64

// Gate lets clients in and counts them until they leave. A client comes as a visitor, of whom it is not known yet what
// he wants, or at once as a connection. All methods may be called from any goroutine. An address that is not valid
// counts in the total only.
type Gate struct {
	limits   atomic.Pointer[Limits] // changes under mu
	began    time.Time
	conns    atomic.Int64
	visitors atomic.Int64

	mu    sync.Mutex
	table table // stays empty unless addresses are limited
	epoch Pass  // of the table, which begins anew when it has to count otherwise
}

// Pass is what one who was let in has to show when he leaves. It says whether his address was counted, and in which
// table. That of nobody is zero.
type Pass uint16

// uncounted is the pass of one who counts in the total only. Those after it are the epochs of tables.
const uncounted Pass = 1

// In reports whether its holder was let in.
func (p Pass) In() bool { return p != 0 }

// NewGate returns a gate for the limits.
func NewGate(limits Limits) *Gate {
	g := &Gate{began: time.Now(), epoch: uncounted + 1}
	g.limits.Store(limits.withDefaults())
	return g
}

func (l Limits) withDefaults() *Limits {
	if l.IPv6Prefix <= 0 || l.IPv6Prefix > 128 {
		l.IPv6Prefix = 64
	}
	return &l
}

// SetLimits replaces the limits, for those who come from now on; nobody has to leave. It reports whether those inside
// have to be counted by their addresses, which Recount does.
func (g *Gate) SetLimits(limits Limits) (recount bool) {
	next := limits.withDefaults()
	g.mu.Lock()
	defer g.mu.Unlock()
	before := g.limits.Load()
	g.limits.Store(next)
	if before.counts() == next.counts() && before.IPv6Prefix == next.IPv6Prefix {
		return false
	}
	g.table = table{}
	g.epoch = max(g.epoch+1, uncounted+1)
	return next.counts()
}

// Recount counts a connection inside by its address, unless it is counted already, and returns its pass from now on.
func (g *Gate) Recount(addr netip.Addr, p Pass) Pass {
	g.mu.Lock()
	defer g.mu.Unlock()
	if p == g.epoch || !g.limits.Load().counts() || !addr.IsValid() {
		return p
	}
	now := g.now()
	e := g.take(addr, now)
	defer g.table.settle(e, now)
	e.conns++
	return g.epoch
}

// counts reports whether those inside are counted by address.
func (l *Limits) counts() bool { return l.ConnsPerAddr > 0 }

// Conns returns the number of connections inside.
func (g *Gate) Conns() int64 { return g.conns.Load() }

// Visitors returns the number of visitors inside.
func (g *Gate) Visitors() int64 { return g.visitors.Load() }

// Visit lets a visitor in, unless there are as many as the limits allow connections: then it returns [ErrTotal] or
// [ErrAddr]. LeaveVisitor counts him out again.
func (g *Gate) Visit(addr netip.Addr) (Pass, error) {
	l := g.limits.Load()
	if !l.enter(&g.visitors, minVisitors) {
		return 0, ErrTotal
	}
	if !l.counts() || !addr.IsValid() {
		return uncounted, nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if l = g.limits.Load(); !l.counts() {
		return uncounted, nil
	}
	now := g.now()
	e := g.take(addr, now)
	defer g.table.settle(e, now)
	if int(e.visitors) >= max(l.ConnsPerAddr, minVisitors) && !l.DryRun {
		g.visitors.Add(-1)
		return 0, ErrAddr
	}
	e.visitors++
	return g.epoch, nil
}

// LeaveVisitor counts a visitor out who came from addr.
func (g *Gate) LeaveVisitor(addr netip.Addr, p Pass) {
	g.visitors.Add(-1)
	g.leave(addr, p, func(e *entry) { e.visitors-- })
}

// Connect lets a connection in, for whose address a handshake is counted, too. It returns [ErrTotal], [ErrAddr] or a
// [*RateError]; a handshake that is refused for its rate is not counted. LeaveConn counts the connection out again. In
// a dry run one is let in also with an error.
func (g *Gate) Connect(addr netip.Addr) (p Pass, over error) {
	l := g.limits.Load()
	p = uncounted
	if (l.counts() || !l.Handshakes.IsZero()) && addr.IsValid() {
		if l, p, over = g.connectAddr(addr); over != nil && !l.DryRun {
			return 0, over
		}
	}
	if !l.enter(&g.conns, 0) {
		g.leave(addr, p, func(e *entry) { e.conns-- })
		return 0, ErrTotal
	}
	if l.DryRun && l.Conns > 0 && g.conns.Load() > int64(l.Conns) {
		return p, ErrTotal
	}
	return p, over
}

// connectAddr also returns the limits that it went by.
func (g *Gate) connectAddr(addr netip.Addr) (l *Limits, p Pass, over error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	l = g.limits.Load()
	now := g.now()
	e := g.take(addr, now)
	defer g.table.settle(e, now)
	if wait := e.handshakes.Wait(l.Handshakes, now); wait > 0 {
		over = &RateError{RetryAfter: wait}
	} else {
		e.handshakes.Take(l.Handshakes, now, 1)
		if l.counts() && int(e.conns) >= l.ConnsPerAddr {
			over = ErrAddr
		}
	}
	if !l.counts() || over != nil && !l.DryRun {
		return l, uncounted, over
	}
	e.conns++
	return l, g.epoch, over
}

// LeaveConn counts a connection out that came from addr.
func (g *Gate) LeaveConn(addr netip.Addr, p Pass) {
	g.conns.Add(-1)
	g.leave(addr, p, func(e *entry) { e.conns-- })
}

// leave counts one out of what is counted by address, if he is counted there.
func (g *Gate) leave(addr netip.Addr, p Pass, count func(*entry)) {
	if p <= uncounted {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if p != g.epoch {
		return
	}
	now := g.now()
	e := g.take(addr, now)
	count(e)
	g.table.settle(e, now)
}

func (g *Gate) now() int64 { return int64(time.Since(g.began)) }

// take returns the entry of an address. The gate is locked.
func (g *Gate) take(addr netip.Addr, now int64) *entry {
	return g.table.take(g.limits.Load().key(addr), now)
}

// key returns the address that stands for all of a client's. A household or a rented machine has a whole IPv6 prefix
// to choose from.
func (l *Limits) key(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return addr
	}
	prefix, _ := addr.Prefix(l.IPv6Prefix) // fails for lengths that withDefaults does not let through
	return prefix.Addr()
}

// enter counts one more, unless the limit on connections holds and is reached.
func (l *Limits) enter(count *atomic.Int64, atLeast int) bool {
	if n := count.Add(1); l.Conns > 0 && !l.DryRun && n > int64(max(l.Conns, atLeast)) {
		count.Add(-1)
		return false
	}
	return true
}
