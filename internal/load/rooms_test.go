package load_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/internal/load"
	"github.com/molva-ws/molva/wire"
)

// request is what a client says in molva's protocol.
type request struct {
	Type, Room string
	Ack        int
	Echo       bool
	Data       json.RawMessage
}

// roomServer speaks as much of molva's client protocol as a run needs.
type roomServer struct {
	molva.Server
	hello string
	// deliver has a message delivered to a connection; a test may have it do so badly.
	deliver func(to *molva.Conn, n uint64, room, data string)

	mu      sync.Mutex
	members map[string][]*molva.Conn // of all that have joined, be they gone or not
	count   atomic.Uint64
}

func newRoomServer() *roomServer {
	s := &roomServer{
		hello:   `{"type":"hello","protocol":1,"limits":{"message":65536,"rate":0}}`,
		members: make(map[string][]*molva.Conn),
	}
	s.Workers = 1
	s.Subprotocols = []string{"molva.v1"}
	s.deliver = deliver
	s.OnOpen = func(c *molva.Conn) { c.Send(molva.Text(s.hello)) }
	s.OnMessage = s.message
	return s
}

func deliver(to *molva.Conn, n uint64, room, data string) {
	to.Send(molva.Text(fmt.Sprintf(`{"type":"message","id":"%d","room":"%s","data":%s,"time":1}`, n, room, data)))
}

func (s *roomServer) message(c *molva.Conn, m molva.Message) {
	var r request
	if err := json.Unmarshal(m.Data, &r); err != nil {
		c.Close(wire.PolicyViolation, err.Error())
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.Type {
	case "join":
		s.members[r.Room] = append(s.members[r.Room], c)
		c.Send(molva.Text(`{"type":"message","id":"0","all":true,"data":1,"time":1}`))
		c.Send(molva.Text(fmt.Sprintf(`{"type":"ok","ack":%d,"room":"%s","users":[]}`, r.Ack, r.Room)))
	case "publish":
		n := s.count.Add(1)
		for _, to := range s.members[r.Room] {
			if to != c || r.Echo {
				s.deliver(to, n, r.Room, string(r.Data))
			}
		}
	}
}

// inRooms is a short run by molva's protocol.
func inRooms(mode load.Mode, url string) load.Config {
	c := short(mode, url)
	c.Molva = true
	if mode == load.Soak {
		c.Size = 32 << 10
	}
	return c
}

func TestRoomsWithoutFaultPass(t *testing.T) {
	for _, mode := range []load.Mode{load.Echo, load.Idle, load.Fanout, load.Storm, load.Soak} {
		for _, compress := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, compressed: %v", mode, compress), func(t *testing.T) {
				s := newRoomServer()
				s.Compression = molva.Compression{Enabled: compress, MinSize: 64}
				c := inRooms(mode, serve(t, &s.Server))
				c.Compress, c.Loops, c.Kind = compress, 2, load.Unicode
				pass(t, c)
				s.mu.Lock()
				defer s.mu.Unlock()
				for room, members := range s.members { // what is said to a room that was left must not be heard in the next
					if want := map[load.Mode]int{load.Fanout: 20}[mode]; len(members) != max(1, want) {
						t.Errorf("%d have joined %s", len(members), room)
					}
				}
			})
		}
	}
}

func TestFaultsInRoomsAreCaught(t *testing.T) {
	const unlucky = 200
	for want, spoil := range map[string]func(to *molva.Conn, n uint64, room, data string){
		"missing":   func(*molva.Conn, uint64, string, string) {},
		"doubled":   func(c *molva.Conn, n uint64, room, data string) { deliver(c, n, room, data); deliver(c, n, room, data) },
		"corrupt":   func(c *molva.Conn, n uint64, room, data string) { deliver(c, n, room, data[:len(data)-2]+`~"`) },
		"corrupt ":  func(c *molva.Conn, n uint64, room, data string) { deliver(c, n, room, "{"+data+":"+data+"}") },
		"corrupt  ": func(c *molva.Conn, n uint64, room, data string) { deliver(c, n, room, `"`+data[2:]) },
		"misdelivered": func(c *molva.Conn, n uint64, room, data string) {
			deliver(c, n, room+"x", data)
			deliver(c, n, room, data)
		},
		"refused":         func(c *molva.Conn, n uint64, room, data string) { c.Send(molva.Text(`{"type":"error","code":"busy"}`)) },
		"protocol broken": func(c *molva.Conn, n uint64, room, data string) { c.Send(molva.Text(data + "}")) },
	} {
		for _, mode := range []load.Mode{load.Fanout, load.Soak} {
			t.Run(string(mode)+", "+want, func(t *testing.T) {
				s := newRoomServer()
				receivers := map[load.Mode]int{load.Fanout: 19, load.Soak: 1}[mode]
				s.deliver = func(to *molva.Conn, n uint64, room, data string) {
					do := deliver
					if n == unlucky {
						if receivers--; receivers == 0 { // the last, to which the message is known
							do = spoil
						}
					}
					do(to, n, room, data)
				}
				c := inRooms(mode, serve(t, &s.Server))
				c.Patience, c.Messages = 5*time.Second, 2*unlucky*19
				r, err := run(t, c)
				if err != nil {
					t.Fatal(err)
				}
				if r.FaultCounts[strings.TrimSpace(want)] == 0 || r.Faults[0].Conn == 0 && mode == load.Fanout {
					t.Errorf("caught %v, %v", r.FaultCounts, r.Faults)
				}
			})
		}
	}
}

func TestServersThatDoNotSpeakMolvaAreReported(t *testing.T) {
	for hello, want := range map[string]string{
		"":                              "does not answer in molva's client protocol",
		`{"hi":1}`:                      "does not answer in molva's client protocol",
		`{"type":"hello","protocol":2}`: "version 2",
		`{"type":"hello","protocol":1,"limits":{"message":100}}`: "--size",
		`{"type":"error","code":"busy"}`:                         "busy",
	} {
		s := newRoomServer()
		s.hello = hello
		if hello == "" {
			s.OnOpen = nil
		}
		c := inRooms(load.Storm, serve(t, &s.Server))
		if hello == "" { // what it says, all wait for; that it says nothing takes all the time there is
			c.Patience = time.Second
		}
		if r, err := run(t, c); err == nil || r != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v", hello, r, err)
		}
	}
}
