//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/internal/load"
	"github.com/molva-ws/molva/internal/load/faulty"
	"github.com/molva-ws/molva/wire"
)

func TestBenchCatchesOneFaultInAHundredThousand(t *testing.T) {
	const oneIn = 100_000
	for _, mode := range []string{"echo", "soak"} {
		for _, fault := range faulty.Faults {
			t.Run(mode+", "+string(fault), func(t *testing.T) {
				url := benchServer(t, faulty.NewServer(fault, oneIn, 7))
				r := benchRun(t, mode, url, "--messages", fmt.Sprint(2*oneIn), "-n", "16", "-s", "200", "--timeout", "10s")
				r.wantsText(t, exitFailed, mode+": ", "molva: the server was caught: ")
				r.wantsText(t, exitFailed, "", ": "+string(fault)) // of the connection and the message
				if strings.Contains(r.out, "Nothing was lost") {
					t.Error("it says that all is well")
				}
			})
		}
	}
}

func TestBenchCountsFaultsIfItIsToGoOn(t *testing.T) {
	url := benchServer(t, faulty.NewServer(faulty.Doubled, 200, 1))
	r := benchRun(t, "echo", url, "--messages", "2000", "--keep-going", "--json")
	r.wantsText(t, exitFailed, "", "and ")
	var got load.Result
	if err := json.Unmarshal([]byte(r.out), &got); err != nil || got.FaultCounts["doubled"] < 9 {
		t.Errorf("%v: %s", err, r.out)
	}
}

func TestBenchTellsOfADisconnection(t *testing.T) {
	srv := &molva.Server{OnMessage: func(c *molva.Conn, _ molva.Message) { c.Close(wire.PolicyViolation, "enough") }}
	benchRun(t, "echo", benchServer(t, srv), "-c", "1").wantsText(t, exitFailed, "", "connection 0: disconnected before message 0: closed by the server with 1008")
}
