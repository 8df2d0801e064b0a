package machine

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestWhatSystemdStartedIsLiftedInItsUnit(t *testing.T) {
	for pid, want := range map[string]string{
		strconv.Itoa(os.Getpid()):  "LimitNOFILE=50176 under [Service]",
		strconv.Itoa(os.Getppid()): "prlimit", // whose child this is
		"":                         "prlimit",
	} {
		t.Setenv("SYSTEMD_EXEC_PID", pid)
		if lift := LiftDescriptors(50_100); !strings.Contains(lift[len(lift)-1], want) {
			t.Errorf("started is %q: %q", pid, lift)
		}
	}
}
