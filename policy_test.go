package molva_test

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/handshake"
	"github.com/molva-ws/molva/internal/clientaddr"
)

// change changes the policy of a server.
func change(t *testing.T, srv *molva.Server, how func(*molva.Policy)) {
	t.Helper()
	p := srv.Policy()
	how(&p)
	if err := srv.SetPolicy(p); err != nil {
		t.Fatal(err)
	}
}

// TestThePolicyChanges changes one thing after the other, while the first connection stays.
func TestThePolicyChanges(t *testing.T) {
	onEveryFront(t, func(t *testing.T, start func(*molva.Server) net.Addr) {
		srv := &molva.Server{OnMessage: echo}
		addr := start(srv)
		first := connected(t, addr, nil) // an answer alone may come before the server counts it

		elsewhere := http.Header{"Origin": {"https://app.example"}}
		wantStatus(t, addr, elsewhere, http.StatusForbidden)
		change(t, srv, func(p *molva.Policy) { p.Origins = []string{"https://app.example"} })
		closeAll(t, srv, 1, connected(t, addr, elsewhere))

		change(t, srv, func(p *molva.Policy) { p.Admission.Conns = 1 })
		wantStatus(t, addr, nil, http.StatusServiceUnavailable)
		change(t, srv, func(p *molva.Policy) { p.Admission = molva.Admission{ConnsPerAddr: 1} })
		wantStatus(t, addr, nil, http.StatusTooManyRequests) // the first is counted, though it came before

		wantStatus(t, addr, forwardedFor("192.0.2.1"), http.StatusTooManyRequests)
		change(t, srv, func(p *molva.Policy) { p.TrustedProxies = []string{"127.0.0.1"} })
		behind := connected(t, addr, forwardedFor("192.0.2.1"))
		change(t, srv, func(p *molva.Policy) { p.ProxyHeader = "X-Real-IP" })
		wantStatus(t, addr, forwardedFor("192.0.2.2"), http.StatusTooManyRequests)
		closeAll(t, srv, 1, behind)
		change(t, srv, func(p *molva.Policy) { p.Admission = molva.Admission{ConnsPerAddr: 1, DryRun: true} })
		closeAll(t, srv, 1, connected(t, addr, nil))
		change(t, srv, func(p *molva.Policy) { p.Admission = molva.Admission{Handshakes: 0.001} })
		closeAll(t, srv, 1, connected(t, addr, nil))
		wantStatus(t, addr, nil, http.StatusTooManyRequests)
		wantEcho(t, first)
	})
}

// connected opens a connection.
func connected(t *testing.T, addr net.Addr, header http.Header) *molva.Conn {
	t.Helper()
	c, _ := wantStatus(t, addr, header, http.StatusSwitchingProtocols)
	wantEcho(t, c)
	return c
}

// closeAll closes connections and waits until others are left.
func closeAll(t *testing.T, srv *molva.Server, left int64, conns ...*molva.Conn) {
	t.Helper()
	for _, c := range conns {
		c.Close(molva.CloseNormal, "")
	}
	wantStats(t, srv, func(s molva.Stats) bool { return s.Conns == left })
}

// TestLimitsOfMessagesChange has those of size hold for new connections, and rates for all that have one.
func TestLimitsOfMessagesChange(t *testing.T) {
	onEveryFront(t, func(t *testing.T, start func(*molva.Server) net.Addr) {
		srv := &molva.Server{OnMessage: echo, Limits: molva.Limits{Messages: 1e6, Outbox: 1 << 20}}
		addr := start(srv)
		before := connected(t, addr, nil)
		change(t, srv, func(p *molva.Policy) {
			p.Limits = molva.Limits{Message: 10, Messages: 1e6, Outbox: 5}
		})
		long := molva.Text(strings.Repeat("x", 11))
		after := connected(t, addr, nil)
		if err := after.Write(t.Context(), long); err != nil {
			t.Fatal(err)
		}
		wantClosed(t, after, molva.CloseMessageTooBig)
		if err := before.Write(t.Context(), long); err != nil {
			t.Fatal(err)
		}
		if m, err := before.Read(t.Context()); err != nil || len(m.Data) != 11 {
			t.Errorf("%s, %v", m.Data, err)
		}
		change(t, srv, func(p *molva.Policy) {
			p.Limits.Messages, p.Limits.MessageBurst, p.Limits.Fast = 0.001, 1, molva.FastClose
		})
		wantEcho(t, before)
		before.Write(t.Context(), molva.Text("too soon"))
		wantClosed(t, before, molva.ClosePolicyViolation)
	})
}

// wantClosed reads until the connection has ended, which has to be with the code.
func wantClosed(t *testing.T, c *molva.Conn, code molva.CloseCode) {
	t.Helper()
	_, err := c.Read(t.Context())
	var closed *molva.CloseError
	if !errors.As(err, &closed) || closed.Code != code {
		t.Fatalf("%v; want to be closed with %d", err, code)
	}
}

func TestAPolicyThatIsWrongChangesNothing(t *testing.T) {
	srv := &molva.Server{Origins: []string{"https://app.example"}}
	p := srv.Policy()
	p.Origins, p.TrustedProxies = []string{"https://other.example", "not an origin/"}, []string{"10.0.0.0/8", "nobody"}
	err := srv.SetPolicy(p)
	var origin *handshake.OriginError
	var proxy *clientaddr.TrustError
	if !errors.As(err, &origin) || !errors.As(err, &proxy) || proxy.Entry != "nobody" {
		t.Errorf("%v", err)
	}
	if now := srv.Policy(); len(now.Origins) != 1 || now.Origins[0] != "https://app.example" || now.TrustedProxies != nil {
		t.Errorf("it is now %+v", now)
	}
}
