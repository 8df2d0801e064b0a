package proc

import (
	"net"
	"net/netip"
	"os"
	"testing"
)

func TestListenersAreCounted(t *testing.T) {
	first, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddrPort(first.Addr().String())
	dialed, err := net.Dial("tcp", first.Addr().String()) // a socket with that address that does not listen
	if err != nil {
		t.Fatal(err)
	}
	defer dialed.Close()
	if n, err := Listeners(addr); n != 1 || err != nil {
		t.Errorf("%d, %v, want 1", n, err)
	}
	first.Close()
	if n, err := Listeners(addr); n != 0 || err != nil {
		t.Errorf("closed: %d, %v", n, err)
	}
}

func TestDescriptorsAreCounted(t *testing.T) {
	before, err := Descriptors(os.Getpid())
	if err != nil || before < 3 {
		t.Fatal(before, err)
	}
	for range 10 {
		file, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
	}
	if after, err := Descriptors(os.Getpid()); after != before+10 || err != nil {
		t.Errorf("%d were open, then %d, %v", before, after, err)
	}
	if n, err := Descriptors(1 << 30); err == nil {
		t.Errorf("a process that is not there has %d", n)
	}
}

func TestMemoryOfTheMachine(t *testing.T) {
	total, err := MemTotal()
	if err != nil {
		t.Fatal(err)
	}
	if available, err := MemAvailable(); err != nil || available <= 0 || available > total {
		t.Errorf("%d of %d, %v", available, total, err)
	}
}
