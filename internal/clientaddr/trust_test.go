package clientaddr

import (
	"errors"
	"net/netip"
	"testing"
)

func TestTrustHas(t *testing.T) {
	for _, test := range []struct {
		entry, addr string
		want        bool
	}{
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"10.0.0.0/8", "10.255.0.1", true},
		{"10.0.0.0/8", "11.0.0.1", false},
		{"10.1.2.3/8", "10.200.0.1", true}, // bits beyond the prefix do not matter
		{"::ffff:10.0.0.0/104", "10.1.2.3", true},
		{"::ffff:10.0.0.0", "10.0.0.0", true},
		{"::1", "::1", true},
		{"2001:db8::/32", "2001:db8:1::1", true},
		{"2001:db8::/32", "2001:db9::1", false},
		{"fe80::/10", "fe80::1%eth0", true},
		{"fe80::1%eth0", "fe80::1", true},
		{"0.0.0.0/0", "::1", false},
		{"::/0", "192.0.2.1", false},
		{"unix", "192.0.2.1", false},
	} {
		t.Run(test.entry+" has "+test.addr, func(t *testing.T) {
			trust, err := ParseTrust([]string{test.entry})
			if err != nil {
				t.Fatal(err)
			}
			if got := trust.Has(netip.MustParseAddr(test.addr)); got != test.want {
				t.Errorf("got %v", got)
			}
			if trust.Empty() || trust.HasUnix() != (test.entry == "unix") {
				t.Errorf("empty %v, unix %v", trust.Empty(), trust.HasUnix())
			}
			if trust.Has(netip.Addr{}) {
				t.Error("has the address that is not valid")
			}
		})
	}
}

func TestParseTrustReportsWhatItDoesNotKnow(t *testing.T) {
	for _, entry := range []string{"", "localhost", "10.0.0.0/33", "10.0.0/8", "*", "Unix", "10.0.0.1:80", "fe80::%eth0/10"} {
		t.Run(entry, func(t *testing.T) {
			trust, err := ParseTrust([]string{entry, "192.0.2.1"})
			var unknown *TrustError
			if !errors.As(err, &unknown) || unknown.Entry != entry {
				t.Errorf("got %v", err)
			}
			if !trust.Has(netip.MustParseAddr("192.0.2.1")) || len(trust.prefixes) != 1 {
				t.Error("the other entry is not there")
			}
		})
	}
	if trust, err := ParseTrust(nil); err != nil || !trust.Empty() {
		t.Errorf("empty list: %v, %v", trust, err)
	}
}
