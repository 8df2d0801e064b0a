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
	limits   Limits
	began    time.Time
	conns    atomic.Int64
	visitors atomic.Int64

	mu    sync.Mutex
	table table // stays empty unless addresses are limited
}

// NewGate returns a gate for the limits.
func NewGate(limits Limits) *Gate {
	if limits.IPv6Prefix <= 0 || limits.IPv6Prefix > 128 {
		limits.IPv6Prefix = 64
	}
	return &Gate{limits: limits, began: time.Now()}
}

// Conns returns the number of connections inside.
func (g *Gate) Conns() int64 { return g.conns.Load() }

// Visitors returns the number of visitors inside.
func (g *Gate) Visitors() int64 { return g.visitors.Load() }

// Visit lets a visitor in, unless there are as many as the limits allow connections: then it returns [ErrTotal] or
// [ErrAddr]. LeaveVisitor counts him out again.
func (g *Gate) Visit(addr netip.Addr) error {
	if !g.enter(&g.visitors, minVisitors) {
		return ErrTotal
	}
	if !g.byAddr(addr, g.limits.ConnsPerAddr > 0) {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	e := g.table.take(g.key(addr), now)
	defer g.table.settle(e, now)
	if int(e.visitors) >= max(g.limits.ConnsPerAddr, minVisitors) && !g.limits.DryRun {
		g.visitors.Add(-1)
		return ErrAddr
	}
	e.visitors++
	return nil
}

// LeaveVisitor counts a visitor out who came from addr.
func (g *Gate) LeaveVisitor(addr netip.Addr) {
	g.visitors.Add(-1)
	g.leave(addr, func(e *entry) { e.visitors-- })
}

// Connect lets a connection in, for whose address a handshake is counted, too. It returns [ErrTotal], [ErrAddr] or a
// [*RateError]; a handshake that is refused for its rate is not counted. LeaveConn counts the connection out again,
// in a dry run also after an error.
func (g *Gate) Connect(addr netip.Addr) (over error) {
	if g.byAddr(addr, g.limits.ConnsPerAddr > 0 || !g.limits.Handshakes.IsZero()) {
		if over = g.connectAddr(addr); over != nil && !g.limits.DryRun {
			return over
		}
	}
	if !g.enter(&g.conns, 0) {
		g.leave(addr, func(e *entry) { e.conns-- })
		return ErrTotal
	}
	if g.limits.DryRun && g.limits.Conns > 0 && g.conns.Load() > int64(g.limits.Conns) {
		return ErrTotal
	}
	return over
}

func (g *Gate) connectAddr(addr netip.Addr) (over error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	e := g.table.take(g.key(addr), now)
	defer g.table.settle(e, now)
	if wait := e.handshakes.Wait(g.limits.Handshakes, now); wait > 0 {
		over = &RateError{RetryAfter: wait}
	} else {
		e.handshakes.Take(g.limits.Handshakes, now, 1)
		if g.limits.ConnsPerAddr > 0 && int(e.conns) >= g.limits.ConnsPerAddr {
			over = ErrAddr
		}
	}
	if g.limits.ConnsPerAddr > 0 && (over == nil || g.limits.DryRun) {
		e.conns++
	}
	return over
}

// LeaveConn counts a connection out that came from addr.
func (g *Gate) LeaveConn(addr netip.Addr) {
	g.conns.Add(-1)
	g.leave(addr, func(e *entry) { e.conns-- })
}

// leave counts one out of what is counted by address.
func (g *Gate) leave(addr netip.Addr, count func(*entry)) {
	if !g.byAddr(addr, g.limits.ConnsPerAddr > 0) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	e := g.table.take(g.key(addr), now)
	count(e)
	g.table.settle(e, now)
}

func (g *Gate) byAddr(addr netip.Addr, limited bool) bool { return limited && addr.IsValid() }

func (g *Gate) now() int64 { return int64(time.Since(g.began)) }

// key returns the address that stands for all of a client's. A household or a rented machine has a whole IPv6 prefix
// to choose from.
func (g *Gate) key(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return addr
	}
	prefix, _ := addr.Prefix(g.limits.IPv6Prefix) // fails for lengths that NewGate does not let through
	return prefix.Addr()
}

// enter counts one more, unless the limit on connections holds and is reached.
func (g *Gate) enter(count *atomic.Int64, atLeast int) bool {
	limit := g.limits.Conns
	if n := count.Add(1); limit > 0 && !g.limits.DryRun && n > int64(max(limit, atLeast)) {
		count.Add(-1)
		return false
	}
	return true
}
