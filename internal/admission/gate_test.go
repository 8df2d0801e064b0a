package admission

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/molva-ws/molva/internal/ratelimit"
)

var (
	alice = netip.MustParseAddr("192.0.2.1")
	bob   = netip.MustParseAddr("192.0.2.2")
)

// crowd is a gate, and the passes of those inside.
type crowd struct {
	*Gate
	mu              sync.Mutex
	conns, visitors map[netip.Addr][]Pass
}

func newCrowd(l Limits) *crowd {
	return &crowd{Gate: NewGate(l), conns: make(map[netip.Addr][]Pass), visitors: make(map[netip.Addr][]Pass)}
}

func (c *crowd) Connect(addr netip.Addr) error { return c.enter(c.Gate.Connect, c.conns, addr) }
func (c *crowd) Visit(addr netip.Addr) error   { return c.enter(c.Gate.Visit, c.visitors, addr) }
func (c *crowd) LeaveConn(addr netip.Addr)     { c.Gate.LeaveConn(addr, c.last(c.conns, addr)) }
func (c *crowd) LeaveVisitor(addr netip.Addr)  { c.Gate.LeaveVisitor(addr, c.last(c.visitors, addr)) }

func (c *crowd) enter(by func(netip.Addr) (Pass, error), inside map[netip.Addr][]Pass, addr netip.Addr) error {
	p, err := by(addr)
	if p.In() {
		c.mu.Lock()
		defer c.mu.Unlock()
		inside[addr] = append(inside[addr], p)
	}
	return err
}

func (c *crowd) last(inside map[netip.Addr][]Pass, addr netip.Addr) Pass {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(inside[addr]) - 1
	p := inside[addr][n]
	inside[addr] = inside[addr][:n]
	return p
}

// recount counts all connections anew.
func (c *crowd) recount() {
	for addr, passes := range c.conns {
		for i := range passes {
			passes[i] = c.Recount(addr, passes[i])
		}
	}
}

// want fails the test unless err is the wanted one.
func want(t *testing.T, what string, err, wanted error) {
	t.Helper()
	if !errors.Is(err, wanted) {
		t.Fatalf("%s: got %v, want %v", what, err, wanted)
	}
}

func TestTotalIsLimited(t *testing.T) {
	g := newCrowd(Limits{Conns: 2})
	want(t, "first", g.Connect(alice), nil)
	want(t, "second", g.Connect(bob), nil)
	want(t, "third", g.Connect(bob), ErrTotal)
	if g.Conns() != 2 {
		t.Errorf("%d connections, want 2", g.Conns())
	}
	g.LeaveConn(alice)
	want(t, "after one has left", g.Connect(bob), nil)
}

func TestConnectionsOfAnAddressAreLimited(t *testing.T) {
	g := newCrowd(Limits{ConnsPerAddr: 2})
	want(t, "first", g.Connect(alice), nil)
	want(t, "second", g.Connect(alice), nil)
	want(t, "third", g.Connect(alice), ErrAddr)
	want(t, "another address", g.Connect(bob), nil)
	g.LeaveConn(alice)
	want(t, "after one has left", g.Connect(alice), nil)
}

func TestTotalRefusesWithoutATraceInTheTable(t *testing.T) {
	g := newCrowd(Limits{Conns: 1, ConnsPerAddr: 1})
	want(t, "first", g.Connect(alice), nil)
	want(t, "second", g.Connect(bob), ErrTotal)
	if len(g.table.entries) != 1 {
		t.Errorf("%d entries, want one", len(g.table.entries))
	}
	g.LeaveConn(alice)
	want(t, "after the first has left", g.Connect(bob), nil)
}

func TestVisitorsAreLimitedApart(t *testing.T) {
	g := newCrowd(Limits{Conns: 100, ConnsPerAddr: 1})
	want(t, "connection", g.Connect(alice), nil)
	for range minVisitors {
		want(t, "visitor", g.Visit(alice), nil)
	}
	want(t, "one visitor more", g.Visit(alice), ErrAddr)
	for range 100 - minVisitors {
		want(t, "another address", g.Visit(bob), nil)
	}
	want(t, "one visitor more in total", g.Visit(bob), ErrTotal)
	g.LeaveVisitor(alice)
	want(t, "after one has left", g.Visit(alice), nil)
	if g.Visitors() != 100 || g.Conns() != 1 {
		t.Errorf("%d visitors, %d connections", g.Visitors(), g.Conns())
	}
}

func TestHandshakesOfAnAddressAreLimitedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newCrowd(Limits{Handshakes: ratelimit.PerSecond(2, 3)})
		for range 3 {
			want(t, "burst", g.Connect(alice), nil)
			g.LeaveConn(alice)
		}
		for range 5 { // a handshake that is refused does not make it worse
			var tooFast *RateError
			if err := g.Connect(alice); !errors.As(err, &tooFast) || tooFast.RetryAfter != 500*time.Millisecond {
				t.Fatalf("got %v, want to wait 500 ms", err)
			}
		}
		want(t, "another address", g.Connect(bob), nil)
		time.Sleep(500 * time.Millisecond)
		want(t, "half a second later", g.Connect(alice), nil)
		if g.Connect(alice) == nil {
			t.Error("a second one was let in half a second later")
		}
	})
}

func TestAnIPv6PrefixIsOneAddress(t *testing.T) {
	for _, test := range []struct {
		bits int
		a, b string
		same bool
	}{
		{0, "2001:db8::1", "2001:db8::ffff:1", true},
		{0, "2001:db8::1", "2001:db8:0:1::1", false},
		{48, "2001:db8::1", "2001:db8:0:1::1", true},
		{128, "2001:db8::1", "2001:db8::2", false},
		{129, "2001:db8::1", "2001:db8::2", true}, // as 0
		{0, "192.0.2.1", "::ffff:192.0.2.1", true},
		{0, "192.0.2.1", "192.0.2.2", false},
		{0, "fe80::1%eth0", "fe80::1%eth1", true},
	} {
		t.Run(fmt.Sprintf("%s and %s by %d", test.a, test.b, test.bits), func(t *testing.T) {
			g := newCrowd(Limits{ConnsPerAddr: 1, IPv6Prefix: test.bits})
			want(t, "first", g.Connect(netip.MustParseAddr(test.a)), nil)
			if err := g.Connect(netip.MustParseAddr(test.b)); (err == ErrAddr) != test.same {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAddressesThatAreNotKnownCountInTheTotalOnly(t *testing.T) {
	g := newCrowd(Limits{Conns: 2, ConnsPerAddr: 1, Handshakes: ratelimit.PerSecond(1, 1)})
	want(t, "first", g.Connect(netip.Addr{}), nil)
	want(t, "second", g.Connect(netip.Addr{}), nil)
	want(t, "third", g.Connect(netip.Addr{}), ErrTotal)
	want(t, "visitor", g.Visit(netip.Addr{}), nil)
	g.LeaveVisitor(netip.Addr{})
	g.LeaveConn(netip.Addr{})
	if len(g.table.entries) != 0 {
		t.Errorf("%d entries, want none", len(g.table.entries))
	}
}

func TestEntriesVanish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newCrowd(Limits{ConnsPerAddr: 5, Handshakes: ratelimit.PerSecond(1, 1)})
		for i := range 1000 {
			addr := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
			want(t, "visitor", g.Visit(addr), nil)
			want(t, "connection", g.Connect(addr), nil)
			g.LeaveVisitor(addr)
			g.LeaveConn(addr)
		}
		if len(g.table.entries) != 1000 || g.table.rests != 1000 {
			t.Fatalf("%d entries, %d at rest, want 1000", len(g.table.entries), g.table.rests)
		}
		time.Sleep(time.Second)
		for range 1000 / maxForgotten {
			want(t, "visitor", g.Visit(alice), nil)
			g.LeaveVisitor(alice)
		}
		if len(g.table.entries) != 0 || g.table.rests != 0 {
			t.Errorf("%d entries, %d at rest, want none", len(g.table.entries), g.table.rests)
		}
	})
}

func TestAFloodOfAddressesIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newCrowd(Limits{Handshakes: ratelimit.PerSecond(0.001, 1)})
		addr := netip.MustParseAddr("10.0.0.0")
		for range maxResting + 1000 {
			addr = addr.Next()
			want(t, "connection", g.Connect(addr), nil)
			g.LeaveConn(addr)
		}
		if n := len(g.table.entries); n != maxResting {
			t.Errorf("%d entries, want %d", n, maxResting)
		}
		if g.Connect(addr) == nil {
			t.Error("the latest address was forgotten before the oldest")
		}
	})
}

func TestLimitsChange(t *testing.T) {
	g := newCrowd(Limits{})
	for range 3 {
		want(t, "without limits", g.Connect(alice), nil)
	}
	if !g.SetLimits(Limits{ConnsPerAddr: 2}) {
		t.Fatal("those inside need not be counted")
	}
	g.recount()
	g.recount() // which changes nothing
	want(t, "three are inside", g.Connect(alice), ErrAddr)
	want(t, "another address", g.Connect(bob), nil)
	g.LeaveConn(alice)
	want(t, "two are inside", g.Connect(alice), ErrAddr)
	g.LeaveConn(alice)
	want(t, "one is inside", g.Connect(alice), nil)
	if g.SetLimits(Limits{ConnsPerAddr: 1, Conns: 3}) {
		t.Error("those inside have to be counted again")
	}
	want(t, "less from an address", g.Connect(bob), ErrAddr)
	g.SetLimits(Limits{Conns: 3})
	want(t, "in total", g.Connect(bob), ErrTotal)
	for _, addr := range []netip.Addr{alice, alice, bob} {
		g.LeaveConn(addr)
	}
	if g.Conns() != 0 || len(g.table.entries) != 0 {
		t.Errorf("%d connections and %d entries are left", g.Conns(), len(g.table.entries))
	}
}

func TestWhoLeavesAfterTheTableBeganAnewIsNotCountedTwice(t *testing.T) {
	a, b := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2")
	g := newCrowd(Limits{ConnsPerAddr: 1})
	want(t, "first", g.Connect(a), nil)
	want(t, "visitor", g.Visit(a), nil)
	g.SetLimits(Limits{ConnsPerAddr: 1, IPv6Prefix: 128})
	want(t, "of the same prefix", g.Connect(b), nil)
	g.LeaveConn(a) // before it was counted
	g.LeaveVisitor(a)
	g.recount()
	want(t, "the first is gone", g.Connect(a), nil)
	want(t, "twice", g.Connect(a), ErrAddr)
	want(t, "the second is there", g.Connect(b), ErrAddr)
}

func TestLimitsChangeUnderManyGoroutines(t *testing.T) {
	g := newCrowd(Limits{})
	stop := make(chan struct{})
	var changing, running sync.WaitGroup
	changing.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				g.SetLimits(Limits{ConnsPerAddr: i % 3 * 1000, DryRun: i%5 == 0, IPv6Prefix: 64 + i%2})
			}
		}
	})
	for i := range 4 {
		running.Go(func() {
			addr := netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})
			for range 2000 {
				if p, _ := g.Gate.Connect(addr); p.In() {
					g.Gate.LeaveConn(addr, p)
				}
			}
		})
	}
	running.Wait()
	close(stop)
	changing.Wait()
	if g.Conns() != 0 {
		t.Errorf("%d connections are left", g.Conns())
	}
	for addr, e := range g.table.entries {
		if e.conns != 0 {
			t.Errorf("%v is left with %+v", addr, e)
		}
	}
}

func TestADryRunLetsInWhoIsTooMany(t *testing.T) {
	g := NewGate(Limits{Conns: 2, DryRun: true})
	for i, wanted := range []error{nil, nil, ErrTotal} {
		p, err := g.Connect(alice)
		want(t, fmt.Sprint("connection ", i), err, wanted)
		if !p.In() {
			t.Errorf("connection %d has to stay outside", i)
		}
	}
	if n := g.Conns(); n != 3 {
		t.Errorf("%d connections, want 3", n)
	}
}

func TestWhoHasNoAddressIsNotRecounted(t *testing.T) {
	g := NewGate(Limits{})
	p, err := g.Connect(netip.Addr{})
	want(t, "connection", err, nil)
	g.SetLimits(Limits{ConnsPerAddr: 1})
	if again := g.Recount(netip.Addr{}, p); again != p || len(g.table.entries) != 0 {
		t.Errorf("pass %d became %d, with %d entries", p, again, len(g.table.entries))
	}
}

func TestFromManyGoroutines(t *testing.T) {
	g := newCrowd(Limits{Conns: 10, ConnsPerAddr: 3, Handshakes: ratelimit.PerSecond(1e6, 1e6)})
	var running sync.WaitGroup
	for i := range 8 {
		running.Go(func() {
			addr := netip.AddrFrom4([4]byte{10, 0, 0, byte(i / 2)})
			for range 2000 {
				if g.Visit(addr) == nil {
					if g.Connect(addr) == nil {
						g.LeaveConn(addr)
					}
					g.LeaveVisitor(addr)
				}
			}
		})
	}
	running.Wait()
	if g.Conns() != 0 || g.Visitors() != 0 {
		t.Errorf("%d connections and %d visitors are left", g.Conns(), g.Visitors())
	}
	for addr, e := range g.table.entries {
		if e.conns != 0 || e.visitors != 0 {
			t.Errorf("%v is left with %+v", addr, e)
		}
	}
}

func BenchmarkConnect(b *testing.B) {
	g := NewGate(Limits{Conns: 10, ConnsPerAddr: 3, Handshakes: ratelimit.PerSecond(1e9, 1e9)})
	b.ReportAllocs()
	for b.Loop() {
		p, err := g.Connect(alice)
		if err != nil {
			b.Fatal(err)
		}
		g.LeaveConn(alice, p)
	}
}
