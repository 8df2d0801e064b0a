package gateway_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/api"
)

// paced is a server on which one message an hour may go to each room, after a burst of two.
func paced() *gateway.Gateway {
	slow := &gateway.ClientError{Code: api.ErrTooFast, Message: "slowly"}
	return &gateway.Gateway{
		WebSocket: molva.Server{Limits: unlimited},
		Limits:    gateway.Limits{Rooms: 3},
		Rules: gateway.Rules{Publish: func(c *gateway.Client, room string, data []byte) error {
			if room == "free" && c.Pace(room, 0, 0) || c.Pace(room, 1.0/3600, 2) {
				return nil
			}
			return slow
		}},
	}
}

func TestPaceIsPerRoomAndConnection(t *testing.T) {
	addr := open(t, paced())
	a, b := connect(t, addr, "a"), connect(t, addr, "a")
	for _, p := range []*peer{a, b} {
		for _, room := range []string{"r", "s", "free"} {
			p.must(fmt.Sprintf(`{"type":"join","room":%q`, room))
		}
	}
	for _, p := range []*peer{a, b} {
		for range 5 {
			p.must(`{"type":"publish","room":"free","data":1`)
		}
		for _, room := range []string{"r", "s"} {
			publish := fmt.Sprintf(`{"type":"publish","room":%q,"data":1`, room)
			p.must(publish)
			p.must(publish)
			if _, answer := p.ask(publish); !strings.Contains(answer, `"code":"too_fast"`) {
				t.Errorf("the third message to %s: %s", room, answer)
			}
		}
	}
}

// TestPaceIsNotForgottenByLeaving also joins more rooms than are remembered.
func TestPaceIsNotForgottenByLeaving(t *testing.T) {
	p := connect(t, open(t, paced()), "a")
	visit := func(room string) (answer string) {
		p.must(fmt.Sprintf(`{"type":"join","room":%q`, room))
		_, answer = p.ask(fmt.Sprintf(`{"type":"publish","room":%q,"data":1`, room))
		p.must(fmt.Sprintf(`{"type":"leave","room":%q`, room))
		return answer
	}
	for i, want := range []string{"ok", "ok", "error", "error"} {
		if answer := visit("r"); !strings.HasPrefix(answer, `{"type":"`+want) {
			t.Errorf("visit %d: %s", i, answer)
		}
	}
	for i, want := range []string{"ok", "ok", "error"} {
		if answer := visit(fmt.Sprint("other", i)); !strings.HasPrefix(answer, `{"type":"`+want) {
			t.Errorf("other room %d: %s", i, answer)
		}
	}
}
