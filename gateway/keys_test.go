package gateway

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"

	"github.com/molva-ws/molva/gateway/api"
)

// TestAKeyWhoseSendPanicsIsNotPending has a second request wait for a first one that panics: the second sends.
func TestAKeyWhoseSendPanicsIsNotPending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var k keys
		limits := Limits{}.withDefaults()
		c := &api.Command{Key: "k", User: "42", Message: json.RawMessage("1")}
		going := make(chan struct{})
		go func() {
			defer func() { recover() }()
			k.once(t.Context(), limits, c, func() *api.Answer {
				<-going
				panic("a bug")
			})
		}()
		synctest.Wait()
		second := make(chan *api.Answer)
		go func() {
			a, _ := k.once(t.Context(), limits, c, func() *api.Answer { return &api.Answer{MsgID: "second"} })
			second <- a
		}()
		synctest.Wait()
		close(going)
		if a := <-second; a == nil || a.MsgID != "second" || a.Repeated {
			t.Errorf("the one who waited got %+v", a)
		}
		again, err := k.once(context.Background(), limits, c, func() *api.Answer { return &api.Answer{MsgID: "third"} })
		if err != nil || again.MsgID != "second" || !again.Repeated {
			t.Errorf("afterwards: %+v, %v", again, err)
		}
	})
}
