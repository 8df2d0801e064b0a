package molva_test

import (
	"bytes"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/molva-ws/molva"
)

const (
	stuckPeers  = 100
	stuckOutbox = 64 << 10

	// stuckHeap bounds what they may cost: twice what their outboxes may hold, and as much again as garbage.
	stuckHeap = 4 * stuckPeers * stuckOutbox
)

// slowPolicies say what has become of peers that do not read, once they have been sent far more than they may have
// waiting.
var slowPolicies = []struct {
	name    string
	policy  molva.SlowPolicy
	remain  int64 // of the connections
	applied func(molva.SlowStats) bool
}{
	{"close", molva.SlowClose, 0, func(s molva.SlowStats) bool { return s.Closed == stuckPeers && s.Dropped == 0 }},
	{"refuse", molva.SlowRefuse, stuckPeers, func(s molva.SlowStats) bool { return s.Refused > stuckPeers && s.Closed == 0 }},
	{"drop the oldest", molva.SlowDropOldest, stuckPeers, func(s molva.SlowStats) bool {
		return s.Dropped > stuckPeers && s.Closed == 0 && s.Refused == 0
	}},
}

// TestReadersThatStop sends to a hundred peers that have stopped reading and one that has not, all on one event loop:
// memory stays within bounds, the policy is applied, and the one gets every message without delay.
func TestReadersThatStop(t *testing.T) {
	for _, test := range slowPolicies {
		t.Run(test.name, func(t *testing.T) {
			forEngines(t, func(t *testing.T, e molva.Engine) {
				var policyViolations atomic.Int64
				srv := &molva.Server{
					Engine:   e,
					Workers:  1,
					Slow:     test.policy,
					Limits:   molva.Limits{Outbox: stuckOutbox},
					Timeouts: molva.Timeouts{Close: 200 * time.Millisecond},
					OnClose: func(_ *molva.Conn, err error) {
						var end *molva.CloseError
						if errors.As(err, &end) && end.Code == molva.ClosePolicyViolation {
							policyViolations.Add(1)
						}
					},
				}
				addr := start(t, srv)
				for range stuckPeers {
					p := dialPeer(t, addr, config{})
					p.conn.(*net.TCPConn).SetReadBuffer(4 << 10)
				}
				quick := dial(t, addr, nil)
				if !within(peerPatience, func() bool { return srv.Stats().Conns == stuckPeers+1 }) {
					t.Fatalf("%d connections are open", srv.Stats().Conns)
				}

				heap := watchHeap(t)
				slowest := broadcastUntil(t, srv, quick, test.applied)
				if grown := heap(); grown > stuckHeap {
					t.Errorf("heap has grown by %d KiB, allowed are %d", grown>>10, stuckHeap>>10)
				}
				if n := srv.Queued(); n > stuckPeers*stuckOutbox {
					t.Errorf("%d bytes wait in the outboxes", n)
				}
				// Who waited for the others would wait for them for ever.
				if slowest > peerPatience/4 && !raceDetector {
					t.Errorf("a message took %v to the client that reads", slowest)
				}
				if !within(peerPatience, func() bool { return srv.Stats().Conns == test.remain+1 }) {
					t.Errorf("%d connections are open, want %d", srv.Stats().Conns, test.remain+1)
				}
				if n := policyViolations.Load(); n != stuckPeers-test.remain {
					t.Errorf("%d connections ended with 1008", n)
				}
			})
		})
	}
}

// broadcastUntil sends to all until the policy was applied, and returns how long a message took at most to the client
// that reads.
func broadcastUntil(t *testing.T, srv *molva.Server, quick *molva.Conn, applied func(molva.SlowStats) bool) (slowest time.Duration) {
	t.Helper()
	ctx := inTime(t)
	message := molva.Binary(make([]byte, 8<<10))
	messages, deadline := 0, time.Now().Add(peerPatience)
	for !applied(srv.Stats().Slow) {
		if messages++; time.Now().After(deadline) {
			t.Fatalf("the policy was not applied: %+v, %d messages", srv.Stats(), messages)
		}
		message.Data[messages%len(message.Data)]++
		begun := time.Now()
		srv.Broadcast(message)
		m, err := quick.Read(ctx)
		if err != nil || !bytes.Equal(m.Data, message.Data) {
			t.Fatalf("message %d: %d bytes, %v", messages, len(m.Data), err)
		}
		slowest = max(slowest, time.Since(begun))
	}
	t.Logf("%d messages of 8 KiB; the slowest took %v", messages, slowest.Round(time.Microsecond))
	return slowest
}
