package gateway_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/api"
)

func TestEverybodySeesTheSameOrderInARoom(t *testing.T) {
	g := &gateway.Gateway{WebSocket: molva.Server{Limits: unlimited}}
	addr := open(t, g)
	const listeners, speakers, each = 5, 4, 100
	heard := make([][]string, listeners)
	var listening, speaking sync.WaitGroup
	for i := range listeners {
		p := connect(t, addr, "")
		p.must(`{"type":"join","room":"r"`)
		listening.Go(func() {
			for range 2 * speakers * each {
				var m struct{ ID string }
				p.decode(&m)
				heard[i] = append(heard[i], m.ID)
			}
		})
	}
	for range speakers {
		p := connect(t, addr, "")
		p.must(`{"type":"join","room":"r"`)
		speaking.Go(func() {
			for i := range each {
				p.say(fmt.Sprintf(`{"type":"publish","room":"r","data":%d}`, i))
			}
		})
		speaking.Go(func() {
			for range each {
				do(g, api.Command{Room: "r", Message: json.RawMessage("1")})
			}
		})
	}
	speaking.Wait()
	listening.Wait()
	for _, ids := range heard {
		if !slices.Equal(ids, heard[0]) {
			t.Fatal("two connections have heard the same room in another order")
		}
	}
}

func TestLettersOfOneSenderKeepTheirOrder(t *testing.T) {
	g := &gateway.Gateway{WebSocket: molva.Server{Limits: unlimited}}
	addr := open(t, g)
	to := connect(t, addr, "to")
	const senders, each = 4, 200
	for i := range senders {
		p := connect(t, addr, fmt.Sprint("from", i))
		go func() {
			for n := range each {
				p.say(fmt.Sprintf(`{"type":"send","user":"to","data":%d}`, n))
			}
		}()
	}
	next := make(map[string]int)
	for range senders * each {
		var m struct {
			From string
			Data int
		}
		if to.decode(&m); m.Data != next[m.From] {
			t.Fatalf("from %s came %d; want %d", m.From, m.Data, next[m.From])
		}
		next[m.From]++
	}
}

// TestARoomThatComesAndGoes publishes to a room that loses its last member all the time. What is published after the
// answer to a join must come.
func TestARoomThatComesAndGoes(t *testing.T) {
	g := &gateway.Gateway{WebSocket: molva.Server{Limits: unlimited}}
	addr := open(t, g)
	var running sync.WaitGroup
	for i := range 4 {
		p := connect(t, addr, "")
		running.Go(func() {
			for n := range 200 {
				p.must(`{"type":"join","room":"r"`)
				text := fmt.Sprintf(`"%d-%d"`, i, n)
				if a := do(g, api.Command{Room: "r", Message: json.RawMessage(text)}); *a.Reached < 1 {
					t.Errorf("reached %d", *a.Reached)
					return
				}
				for {
					var m struct{ Data json.RawMessage }
					if p.decode(&m); string(m.Data) == text {
						break
					}
				}
				p.must(`{"type":"leave","room":"r"`)
			}
		})
	}
	running.Wait()
	if n := g.Stats().Rooms; n != 0 {
		t.Errorf("%d rooms are left", n)
	}
}
