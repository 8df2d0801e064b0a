package gateway_test

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/api"
)

func refusing(status int, reason string) func(*molva.Upgrade) error {
	return func(*molva.Upgrade) error { return &molva.Refusal{Status: status, Reason: reason} }
}

func TestACloseCodeTellsWhyAClientMayNotComeIn(t *testing.T) {
	for _, test := range []struct {
		name     string
		identify func(*molva.Upgrade) error
		code     molva.CloseCode
		reason   string
	}{
		{"unauthorized", refusing(401, "who?"), 4401, "who?"},
		{"forbidden", refusing(403, "you?"), 4403, "you?"},
		{"by an error", func(*molva.Upgrade) error { return errors.New("secret") }, 4403, "the server refuses this connection"},
		{"too many", refusing(429, "later"), molva.CloseTryAgainLater, "later"},
		{"unavailable", refusing(503, "later"), molva.CloseTryAgainLater, "later"},
		{"broken", refusing(502, "oh"), molva.CloseInternalError, "oh"},
		{"by a name that cannot be", func(u *molva.Upgrade) error { u.User = "a\nb"; return nil }, 4400,
			"the name of a user must be 1 to 128 bytes of UTF-8 without control characters and not begin with $"},
		{"at length", refusing(401, strings.Repeat("x", 200)), 4401, strings.Repeat("x", 123)},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := &gateway.Gateway{Identify: test.identify}
			c, _, err := molva.Dial(t.Context(), "ws://"+open(t, g)+"/ws", &molva.DialOptions{Subprotocols: []string{"molva.v1"}})
			if err != nil {
				t.Fatal(err)
			}
			defer c.CloseNow()
			_, err = c.Read(t.Context())
			var end *molva.CloseError
			if !errors.As(err, &end) || end.Code != test.code || end.Reason != test.reason {
				t.Errorf("got %v; want %d %s", err, test.code, test.reason)
			}
			if n := g.Stats().Refused.Upgrade; n != 1 {
				t.Errorf("%d are counted as refused", n)
			}
		})
	}
}

// stubborn opens a connection that asks for molva's protocol and does not answer a close frame. It returns the status.
func stubborn(t *testing.T, addr string) (net.Conn, *bufio.Reader, int) {
	t.Helper()
	nc := rawRequest(t, addr, "GET /ws HTTP/1.1\n%s\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\n"+
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\nSec-WebSocket-Protocol: molva.v1\n\n")
	r := bufio.NewReader(nc)
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	return nc, r, response.StatusCode
}

// TestWhoIsTurnedAwayTakesNoPart has a client that may not come in stay for as long as it can, and speak.
func TestWhoIsTurnedAwayTakesNoPart(t *testing.T) {
	events, log := new(diary), new(lockedBuffer)
	g := &gateway.Gateway{Identify: refusing(401, "who?"), Observer: events.observer()}
	g.Logger = slog.New(slog.NewTextHandler(log, nil))
	g.WebSocket.Timeouts.Close = 300 * time.Millisecond
	addr := open(t, g)
	nc, r, status := stubborn(t, addr)
	if status != http.StatusSwitchingProtocols {
		t.Fatalf("status %d", status)
	}
	frame := make([]byte, 2+2+len("who?"))
	if _, err := io.ReadFull(r, frame); err != nil || string(frame[2:]) != "\x11\x31who?" {
		t.Fatalf("%q, %v; want a close frame with 4401", frame, err)
	}
	join := `{"type":"join","room":"secrets","ack":1}`
	nc.Write(append([]byte{0x81, 0x80 | byte(len(join)), 0, 0, 0, 0}, join...)) // masked by nothing
	for _, command := range []api.Command{{All: true}, {Room: "secrets"}, {User: "42"}} {
		command.Message = []byte(`"secret"`)
		if answer := do(g, command); answer.Reached == nil || *answer.Reached != 0 {
			t.Errorf("%+v: %+v", command, answer)
		}
	}
	if stats := g.Stats(); stats.Conns != 0 || stats.Refused.Upgrade != 1 {
		t.Errorf("counted are %+v", stats)
	}
	if rest, _ := io.ReadAll(r); len(rest) != 0 {
		t.Errorf("it gets %q, too", rest)
	}
	if said := events.written(); len(said) != 0 {
		t.Errorf("the observer is told of %q", said)
	}
	if said := log.String(); said != "" {
		t.Errorf("logged is %s", said)
	}
}

// TestFewAreTurnedAwayAtATime has clients that may not come in try to take the places of others.
func TestFewAreTurnedAwayAtATime(t *testing.T) {
	const most = 256
	g := &gateway.Gateway{Identify: refusing(401, "who?")}
	g.WebSocket.Timeouts.Close = time.Minute
	addr := open(t, g)
	var first net.Conn
	for i := range most {
		nc, _, status := stubborn(t, addr)
		if status != http.StatusSwitchingProtocols {
			t.Fatalf("status %d of number %d", status, i)
		}
		if first == nil {
			first = nc
		}
	}
	if _, _, status := stubborn(t, addr); status != http.StatusUnauthorized {
		t.Errorf("status %d while %d are being turned away", status, most)
	}
	first.Close()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		if _, _, status := stubborn(t, addr); status == http.StatusSwitchingProtocols {
			return
		}
		if time.Now().After(end) {
			t.Fatal("a place that was given up is not taken again")
		}
	}
}
