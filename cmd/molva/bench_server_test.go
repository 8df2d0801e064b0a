//go:build unix

package main

import (
	"fmt"
	"testing"
)

func TestBenchDrivesMolvaServe(t *testing.T) {
	s := startServer(t)
	for mode, want := range map[string]string{
		"echo": "messages a second", "fanout": "to 9 receivers each", "soak": "pings", "idle": "10 messages", "storm": "round 2",
	} {
		r := benchRun(t, mode, s.url+"/ws", "--protocol", "molva", "--pid", fmt.Sprint(s.cmd.Process.Pid))
		r.wantsText(t, 0, want, "")
		r.wantsText(t, 0, "in molva's client protocol", "")
		if limit := "the server lets a client send no more than 50 messages a second"; mode != "idle" && mode != "storm" {
			r.wantsText(t, 0, limit, "")
		}
		r.wantsText(t, 0, "every byte was checked", "")
	}
}

func TestBenchTellsWhatMolvaServeDoesNotTake(t *testing.T) {
	s := startServer(t, "--max-message", "1k")
	benchRun(t, "fanout", s.url+"/ws", "--protocol", "molva", "-s", "1k").wantsText(t, exitFailed, "", "--size 9")
	benchRun(t, "echo", s.url+"/ws").wantsText(t, exitFailed, "", "molva serve is measured with --protocol molva")
	benchRun(t, "echo", s.url+"/").wantsText(t, exitFailed, "", "is the path in the URL right?")
	benchRun(t, "echo", benchServer(t, broadcasting()), "--protocol", "molva", "--timeout", "2s").
		wantsText(t, exitFailed, "", "the server does not answer in molva's client protocol")
}
