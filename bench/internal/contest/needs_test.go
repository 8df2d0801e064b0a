//go:build linux

package contest

import (
	"strings"
	"testing"
)

func TestMachinesThatLackSomethingAreTold(t *testing.T) {
	if lacking, err := lacks(Cell{Mode: Echo, Conns: 1 << 40}); lacking != "" || err != nil {
		t.Errorf("an echo needs nothing: %q, %v", lacking, err)
	}
	if lacking, err := lacks(Cell{Mode: Idle, Conns: 100}); lacking != "" || err != nil {
		t.Errorf("a hundred connections need nothing: %q, %v", lacking, err)
	}
	lacking, err := lacks(Cell{Mode: Idle, Conns: 1 << 40})
	if err != nil || !strings.Contains(lacking, "sudo sysctl -w fs.epoll.max_user_watches=") && !strings.Contains(lacking, "memory") {
		t.Errorf("a million million connections: %q, %v", lacking, err)
	}
}

func TestSettingsThatAreNotThereAreNotNeeded(t *testing.T) {
	const here, nowhere = "net.core.somaxconn", "net.molva.not_there"
	for name, test := range map[string]struct {
		need Need
		met  bool
	}{
		"not there":             {Need{Name: nowhere, AtLeast: 1}, true},
		"enough":                {Need{Name: here, AtLeast: 1}, true},
		"too low":               {Need{Name: here, AtLeast: 1 << 60}, false},
		"too low and in use":    {Need{here, 1 << 60, here}, false},
		"too low and not there": {Need{here, 1 << 60, nowhere}, true},
	} {
		if test.need.met() != test.met {
			t.Errorf("%s: met is %v", name, !test.met)
		}
	}
	if got := (Need{Name: here, AtLeast: 1}).Lift(); got != "sudo sysctl -w net.core.somaxconn=1" {
		t.Error(got)
	}
}

func TestConnectionsAreSpreadOverProcesses(t *testing.T) {
	for conns, want := range map[int]int{0: 1, 1: 1, 10: 1, 11: 2, 100: 10, 101: 11} {
		if got := processes(conns, 10); got != want {
			t.Errorf("%d connections in %d processes, want %d", conns, got, want)
		}
	}
}
