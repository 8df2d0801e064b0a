package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/api"
)

// TestBystandersNoticeNothing has many clients misbehave in every way at once, while one talks to itself. They go on
// until it is done: if it had to wait for them, it would wait for ever.
func TestBystandersNoticeNothing(t *testing.T) {
	g := new(gateway.Gateway)
	addr := open(t, g)
	bystander := connect(t, addr, "bystander")
	bystander.must(`{"type":"join","room":"quiet","presence":true`)
	before := heap()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	hostile := []string{
		`nonsense`,
		`{"type":` + strings.Repeat(`[`, 30_000) + strings.Repeat(`]`, 30_000) + `}`,
		`{"type":"join","room":"` + strings.Repeat("r", 60_000) + `"}`,
		`{"type":"` + strings.Repeat(`\u0000`, 10_000) + `"}`,
		`{"type":"send","user":"nobody","data":"` + strings.Repeat("d", 60_000) + `"}`,
		`{"type":"publish","room":"quiet","data":1}`,
		`{"type":"presence","room":"quiet"}`,
		`{"type":"ping","ack":1}`,
	}
	const each = 3
	begin, ended := make(chan struct{}), make(chan struct{}, each*len(hostile))
	for _, text := range hostile {
		text += strings.Repeat(" ", max(0, 8<<10-len(text))) // what lies in buffers should be few messages
		for range each {
			p := dialAs(t, addr, "")
			go func() {
				<-begin
				for p.Write(ctx, molva.Text(text)) == nil { // and no answer is read
				}
				ended <- struct{}{}
			}()
		}
	}
	close(begin)
	for i := range 50 {
		bystander.must(`{"type":"publish","room":"quiet","echo":true,"data":` + fmt.Sprint(i))
	}
	// Both ends of a connection are here, each with an outbox of 1 MiB at most, in buffers of up to twice what is in them.
	if grown := heap() - before; grown > each*int64(len(hostile))*(4<<20) {
		t.Errorf("the hostile clients hold %d bytes", grown)
	}
	cancel()
	for range cap(ended) {
		<-ended
	}
	bystander.wantNothing()
	if rooms := do(g, api.Command{Command: "rooms"}); len(*rooms.Rooms) != 1 {
		t.Errorf("there are %+v", *rooms.Rooms)
	}
}

func TestDataMayBeNestedAsDeepAsItFits(t *testing.T) {
	p := connect(t, open(t, new(gateway.Gateway)), "me")
	data := strings.Repeat(`[`, 9_000) + strings.Repeat(`]`, 9_000)
	p.say(`{"type":"send","user":"me","data":` + data + `}`)
	p.want(`{"type":"message","id":"*","user":"me","from":"me","data":` + data + `,"time":0}`)
}

func TestWhatEndsAConnection(t *testing.T) {
	addr := open(t, new(gateway.Gateway))
	for _, test := range []struct {
		name     string
		messages []molva.Message
		want     molva.CloseCode
	}{
		{"ten messages that are no JSON", repeated(molva.Text("x"), 10), 4400},
		{"bad JSON among good", append(repeated(molva.Text("x"), 9), molva.Text(`{"type":"ping"}`), molva.Text("x")), 4400},
		{"binary", []molva.Message{molva.Binary([]byte(`{"type":"ping"}`))}, molva.CloseUnsupportedData},
		{"too large", []molva.Message{molva.Text(strings.Repeat(" ", 64<<10) + "{}")}, molva.CloseMessageTooBig},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := connect(t, addr, "")
			for _, m := range test.messages {
				if err := p.Send(m); err != nil && !errors.Is(err, molva.ErrClosed) {
					t.Fatal(err)
				}
			}
			p.wantClosed(test.want)
		})
	}
}

func repeated(m molva.Message, n int) (all []molva.Message) {
	for range n {
		all = append(all, m)
	}
	return all
}

func TestTenThousandJoins(t *testing.T) {
	const joins, most = 10_000, 100
	g := &gateway.Gateway{WebSocket: molva.Server{Limits: unlimited}}
	addr := open(t, g)
	p := connect(t, addr, "me")
	before := heap()
	for i := range joins {
		_, answer := p.ask(fmt.Sprintf(`{"type":"join","room":"room %d","presence":true`, i))
		if refused := strings.Contains(answer, `"code":"too_many_rooms"`); refused != (i >= most) {
			t.Fatalf("join %d is answered with %s", i, answer)
		}
	}
	if n := g.Stats().Rooms; n != most {
		t.Errorf("there are %d rooms", n)
	}
	if grown := heap() - before; grown > 1<<20 {
		t.Errorf("%d bytes more are held", grown)
	}
	p.CloseNow()
	if !within(func() bool { return g.Stats().Rooms == 0 }) {
		t.Errorf("it left %d rooms behind", g.Stats().Rooms)
	}
}

func TestRoomsThatComeAndGoLeaveNothing(t *testing.T) {
	g := &gateway.Gateway{WebSocket: molva.Server{Limits: unlimited}}
	p := connect(t, open(t, g), "me")
	p.must(`{"type":"join","room":"room"`)
	before := heap()
	for i := range 10_000 {
		p.must(fmt.Sprintf(`{"type":"join","room":"room %d","presence":true`, i))
		p.must(fmt.Sprintf(`{"type":"leave","room":"room %d"`, i))
	}
	if grown := heap() - before; grown > 1<<20 {
		t.Errorf("%d bytes more are held", grown)
	}
	if n := g.Stats().Rooms; n != 1 {
		t.Errorf("there are %d rooms", n)
	}
}

func TestReplayedAcknowledgementsDoNothing(t *testing.T) {
	g := &gateway.Gateway{WebSocket: molva.Server{Limits: unlimited}}
	addr := open(t, g)
	p, victim := connect(t, addr, "me"), connect(t, addr, "victim")
	for i := range 10_000 {
		p.say(`{"type":"send","user":"victim","data":1,"ack":7}`)
		want := `{"type":"ok","ack":7,"id":"*","time":0,"reached":1}`
		if i > 0 {
			want = `{"type":"error","ack":7,"code":"bad_ack","message":"*"}`
		}
		p.want(want)
	}
	victim.want(`{"type":"message","id":"*","user":"victim","from":"me","data":1,"time":0}`)
	victim.wantNothing()
}

// TestAFloodIsHeldBack has a client say more than it may: it has to wait, and what it said is carried out in the end.
func TestAFloodIsHeldBack(t *testing.T) {
	limits := molva.Limits{Messages: 200, MessageBurst: 100}
	g := &gateway.Gateway{WebSocket: molva.Server{Limits: limits}}
	addr := open(t, g)
	p, bystander := connect(t, addr, "flood"), connect(t, addr, "bystander")
	const messages = 300
	began := time.Now()
	for i := range messages {
		p.say(fmt.Sprintf(`{"type":"ping","ack":%d}`, i+1))
	}
	bystander.must(`{"type":"ping"`)
	for i := range messages {
		p.want(fmt.Sprintf(`{"type":"ok","ack":%d,"time":0}`, i+1))
	}
	if took := time.Since(began); took < 800*time.Millisecond {
		t.Errorf("%d messages at %v a second and a burst of %v took %v", messages, limits.Messages, limits.MessageBurst, took)
	}
	if n := g.WebSocket.Stats().Fast.Paused; n == 0 {
		t.Error("it was never paused")
	}
}
