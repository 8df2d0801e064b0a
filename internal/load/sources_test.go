package load

import (
	"net/netip"
	"testing"
)

func TestManyConnectionsOnTheLoopbackComeFromManyAddresses(t *testing.T) {
	if !wholeLoopback {
		t.Skip("only 127.0.0.1 is there")
	}
	const conns = 100_000
	to := &target{addr: netip.MustParseAddrPort("127.0.0.1:80")}
	list, err := newSources(&Config{Conns: conns}, to)
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[netip.Addr]int)
	for i := range conns {
		seen[list.of(&conn{id: uint32(i)})]++
	}
	for a, n := range seen {
		if !a.IsLoopback() || n > localPorts()/8 {
			t.Errorf("%d connections come from %v", n, a)
		}
	}
	again, err := newSources(&Config{Conns: conns}, to)
	if err != nil || again[0] == list[0] {
		t.Errorf("two runs side by side both begin with %v (%v)", list[0], err)
	}
}

func TestTheSystemChoosesWhereAConnectionComesFrom(t *testing.T) {
	for name, c := range map[string]struct {
		conns int
		to    string
	}{
		"few":        {100, "127.0.0.1:80"},
		"far":        {100_000, "192.0.2.1:80"},
		"version 6":  {100_000, "[::1]:80"},
		"just a few": {localPorts() / 8, "127.0.0.1:80"},
	} {
		list, err := newSources(&Config{Conns: c.conns}, &target{addr: netip.MustParseAddrPort(c.to)})
		if err != nil || list.of(new(conn)).IsValid() {
			t.Errorf("%s: from %v, %v", name, list, err)
		}
	}
}
