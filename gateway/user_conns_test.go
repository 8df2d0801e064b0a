package gateway_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway"
)

// together is a [gateway.Expiring] value that has its connection wait until others have come as far.
type together struct {
	once   sync.Once
	others *sync.WaitGroup
}

func (v *together) Expires() time.Time {
	v.once.Do(v.others.Done)
	v.others.Wait()
	return time.Time{}
}

// Who comes at the same time as others of the same user is let in by the handshake, and not by the count.
func TestConnectionsOfAUserThatComeAtOnceAreLimited(t *testing.T) {
	const conns, most = 3, 2
	for name, want := range map[string]int{"limit": conns - most, "dry run": 0} {
		t.Run(name, func(t *testing.T) {
			var others sync.WaitGroup
			others.Add(conns)
			g := &gateway.Gateway{
				Limits: gateway.Limits{ConnsPerUser: most},
				Identify: func(u *molva.Upgrade) error {
					u.User, u.Value = "7", &together{others: &others}
					return nil
				},
			}
			g.WebSocket.Admission.DryRun = name == "dry run"
			addr := open(t, g)
			ends := make(chan error, conns)
			for range conns {
				c, _, err := molva.Dial(t.Context(), "ws://"+addr+"/ws", nil)
				if err != nil {
					t.Fatal(err)
				}
				defer c.CloseNow()
				go func() { ends <- answersPing(t, c) }()
			}
			closed := 0
			for range conns {
				if err := <-ends; err != nil {
					var end *molva.CloseError
					if !errors.As(err, &end) || end.Code != molva.CloseTryAgainLater {
						t.Errorf("a connection ended with %v", err)
					}
					closed++
				}
			}
			if closed != want {
				t.Errorf("%d connections were closed, want %d", closed, want)
			}
		})
	}
}

// answersPing asks for an answer, and returns how the connection ended before it came.
func answersPing(t *testing.T, c *molva.Conn) error {
	c.Write(t.Context(), molva.Text(`{"type":"ping","ack":1}`))
	for {
		m, err := c.Read(t.Context())
		if err != nil || strings.Contains(m.String(), `"ok"`) {
			return err
		}
	}
}
