//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway/api"
	"github.com/molva-ws/molva/gateway/remote"
)

// traffic is how much is said to how many. The rate is that of each of the two doors.
type traffic struct {
	conns, rooms int
	rate         int // publishes in a second
	time         time.Duration
}

// publishes returns how many messages each door has for each room.
func (l traffic) publishes() int { return l.rate * int(l.time/time.Second) / l.rooms }

// TestEverythingArrivesInOrderUnderLoad publishes by the local socket and by HTTP at the same time. With MOLVA_LONG set
// it is 10,000 connections and 1,000 publishes a second by each door:
//
//	MOLVA_LONG=1 go test -v -run UnderLoad ./cmd/molva
func TestEverythingArrivesInOrderUnderLoad(t *testing.T) {
	l := traffic{conns: 1000, rooms: 100, rate: 200, time: 2 * time.Second}
	if os.Getenv("MOLVA_LONG") != "" {
		l = traffic{conns: 10_000, rooms: 100, rate: 1000, time: 10 * time.Second}
	}
	s := startServer(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*patience)
	defer cancel()
	listeners := s.listeners(ctx, l)
	bySocket, err := remote.DialSocket(ctx, s.socket)
	if err != nil {
		t.Fatal(err)
	}
	defer bySocket.Close()
	byHTTP, err := remote.New(s.url, s.key)
	if err != nil {
		t.Fatal(err)
	}
	defer byHTTP.Close()

	began := time.Now()
	var running sync.WaitGroup
	for door, server := range map[byte]*remote.Gateway{'s': bySocket, 'h': byHTTP} {
		running.Go(func() { l.publish(ctx, t, server, door) })
	}
	for _, one := range listeners {
		running.Go(func() { one.listen(ctx, l) })
	}
	running.Wait()
	took := time.Since(began)
	sameOrder(t, listeners, l.rooms)
	peak := peakMemory(t, s.cmd.Process.Pid)
	s.signal(syscall.SIGTERM)
	for _, one := range listeners {
		one.conn.CloseNow()
	}
	s.wait()
	l.report(t, took, peak, s.cmd.ProcessState.SysUsage().(*syscall.Rusage))
}

// peakMemory returns the most bytes that a process had in memory, 0 where the system does not tell. What it tells at the
// end of a child is no use: the parent's own memory, from before the child became another program, counts there.
func peakMemory(t *testing.T, pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kib int64
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

// listener is a connection that has joined a room.
type listener struct {
	*testing.T
	conn  *molva.Conn
	order []byte // the doors by which messages came
}

func (s *served) listeners(ctx context.Context, l traffic) []*listener {
	s.Helper()
	all := make([]*listener, l.conns)
	var opening sync.WaitGroup
	for first := range 50 {
		opening.Go(func() {
			for i := first; i < len(all); i += 50 {
				all[i] = s.listener(ctx, fmt.Sprint("room ", i%l.rooms))
			}
		})
	}
	if opening.Wait(); s.Failed() {
		s.FailNow()
	}
	return all
}

func (s *served) listener(ctx context.Context, room string) *listener {
	conn, _, err := molva.Dial(ctx, strings.Replace(s.url, "http", "ws", 1)+"/ws", nil)
	if err != nil {
		s.Error(err)
		return nil
	}
	s.Cleanup(conn.CloseNow)
	conn.Send(molva.Text(`{"type":"join","room":"` + room + `","ack":1}`))
	for _, want := range []string{`{"type":"hello"`, `{"type":"ok","ack":1`} {
		if m, err := conn.Read(ctx); err != nil || !bytes.HasPrefix(m.Data, []byte(want)) {
			s.Errorf("instead of %s: %s, %v", want, m.Data, err)
		}
	}
	return &listener{T: s.T, conn: conn}
}

// listen reads until all has come. What comes by one door must come in order and without a gap.
func (l *listener) listen(ctx context.Context, all traffic) {
	next := make(map[byte]int)
	for len(l.order) < 2*all.publishes() {
		m, err := l.conn.Read(ctx)
		if err != nil {
			l.Errorf("after %d messages: %v", len(l.order), err)
			return
		}
		_, data, _ := bytes.Cut(m.Data, []byte(`"data":"`))
		data, _, _ = bytes.Cut(data, []byte(`"`))
		if len(data) < 2 {
			l.Errorf("there comes %s", m.Data)
			return
		}
		door := data[0]
		if n, err := strconv.Atoi(string(data[1:])); err != nil || n != next[door] {
			l.Errorf("%s comes in place of %c%d", data, door, next[door])
			return
		}
		next[door]++
		l.order = append(l.order, door)
	}
}

// sameOrder checks that the members of a room have heard both doors in the same order.
func sameOrder(t *testing.T, listeners []*listener, rooms int) {
	t.Helper()
	for i, one := range listeners {
		if !bytes.Equal(one.order, listeners[i%rooms].order) {
			t.Fatalf("two connections have heard room %d in another order", i%rooms)
		}
	}
}

// publish says everything through a door, and checks that everybody was reached.
func (l traffic) publish(ctx context.Context, t *testing.T, server *remote.Gateway, door byte) {
	answers := 0
	for a, err := range server.Stream(ctx, l.paced(door)) {
		if err != nil || !a.OK || *a.Reached != l.conns/l.rooms {
			t.Errorf("%c, answer %d: %+v, %v", door, answers, a, err)
			return
		}
		answers++
	}
	if answers != l.publishes()*l.rooms {
		t.Errorf("%c: %d answers", door, answers)
	}
}

// paced yields commands to all rooms in turn, evenly over the time.
func (l traffic) paced(door byte) iter.Seq[*api.Command] {
	const ticks = 50 // in a second
	return func(yield func(*api.Command) bool) {
		tick := time.NewTicker(time.Second / ticks)
		defer tick.Stop()
		for i := range l.publishes() * l.rooms {
			if i%(l.rate/ticks) == 0 {
				<-tick.C
			}
			message, _ := json.Marshal(fmt.Sprintf("%c%d", door, i/l.rooms)) // strings always can be encoded
			if !yield(&api.Command{Room: fmt.Sprint("room ", i%l.rooms), Message: message}) {
				return
			}
		}
	}
}

// report checks what the server needed.
func (l traffic) report(t *testing.T, took time.Duration, peak int64, used *syscall.Rusage) {
	deliveries := 2 * l.publishes() * l.conns
	cpu := time.Duration(used.Utime.Nano() + used.Stime.Nano())
	t.Logf("%d connections, %d deliveries in %v; the server's processor time %v (%v a delivery), peak memory %d MiB",
		l.conns, deliveries, took.Round(time.Millisecond), cpu.Round(time.Millisecond), cpu/time.Duration(deliveries), peak>>20)
	if most := int64(100<<20) + int64(l.conns)*(16<<10); peak > most {
		t.Errorf("the server has used %d bytes, more than %d", peak, most)
	}
}
