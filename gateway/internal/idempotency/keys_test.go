package idempotency

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/molva-ws/molva/gateway/api"
)

// TestAKeyWhoseSendPanicsIsNotPending has a second request wait for a first one that panics: the second sends.
func TestAKeyWhoseSendPanicsIsNotPending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var k Keys
		limits := Limits{Keys: 100, Age: time.Minute}
		c := &api.Command{Key: "k", User: "42", Message: json.RawMessage("1")}
		going := make(chan struct{})
		go func() {
			defer func() { recover() }()
			k.Once(t.Context(), limits, c, func() *api.Answer {
				<-going
				panic("a bug")
			})
		}()
		synctest.Wait()
		second := make(chan *api.Answer)
		go func() {
			second <- k.Once(t.Context(), limits, c, func() *api.Answer { return &api.Answer{MsgID: "second"} })
		}()
		synctest.Wait()
		close(going)
		if a := <-second; a == nil || a.MsgID != "second" || a.Repeated {
			t.Errorf("the one who waited got %+v", a)
		}
		again := k.Once(context.Background(), limits, c, func() *api.Answer { return &api.Answer{MsgID: "third"} })
		if again.Error != "" || again.MsgID != "second" || !again.Repeated {
			t.Errorf("afterwards: %+v", again)
		}
	})
}
