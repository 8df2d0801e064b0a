package molva_test

import (
	"bytes"
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/molva-ws/molva"
)

// TestCloseLeavesTheLastMessageAlone reads a message and closes the connection, which reads and drops all that the
// server still sends: what was read before must not change by it.
func TestCloseLeavesTheLastMessageAlone(t *testing.T) {
	for _, size := range []int{64, 64 << 10} {
		payload := bytes.Repeat([]byte{'a'}, size)
		srv := &molva.Server{OnMessage: func(c *molva.Conn, m molva.Message) {
			c.Send(molva.Binary(payload))
			for range 50 {
				c.Write(context.Background(), molva.Binary(bytes.Repeat([]byte{'b'}, size)))
			}
		}}
		front := httptest.NewServer(srv)
		ctx, cancel := context.WithTimeout(t.Context(), peerPatience)
		c, _, err := molva.Dial(ctx, "ws"+strings.TrimPrefix(front.URL, "http"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Write(ctx, molva.Text("go")); err != nil {
			t.Fatal(err)
		}
		m, err := c.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		c.Close(molva.CloseNormal, "")
		if !bytes.Equal(m.Data, payload) {
			t.Errorf("a message of %d bytes changed while its connection was closed", size)
		}
		if err := srv.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		front.Close()
		cancel()
	}
}
