package molva_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/handshake"
)

// fronts are the ways in which clients come to a server.
var fronts = []struct {
	name    string
	engine  molva.Engine
	handler bool // by net/http, and not by a port of its own
}{
	{"event loop", molva.EngineAuto, false},
	{"event loop behind http", molva.EngineAuto, true},
	{"portable", molva.EnginePortable, false},
	{"portable behind http", molva.EnginePortable, true},
}

// onEveryFront runs a test for a server that is reached in each of the ways. start starts the server.
func onEveryFront(t *testing.T, test func(t *testing.T, start func(*molva.Server) net.Addr)) {
	for _, f := range fronts {
		t.Run(f.name, func(t *testing.T) {
			test(t, func(srv *molva.Server) net.Addr {
				l := listen(t, "tcp", "127.0.0.1:0")
				srv.Engine = f.engine
				if f.handler {
					serveHTTP(t, l, srv)
					t.Cleanup(func() { shutdown(t, srv) })
				} else {
					serve(t, l, srv)
				}
				return l.Addr()
			})
		})
	}
}

// handshakeFrom opens a connection with fields added to the request, and returns the status of the answer, too.
func handshakeFrom(t *testing.T, addr net.Addr, header http.Header) (*molva.Conn, *http.Response) {
	t.Helper()
	c, response, err := molva.Dial(t.Context(), "ws://"+addr.String()+"/", &molva.DialOptions{Header: header})
	var refused *handshake.ResponseError
	if err != nil && !errors.As(err, &refused) {
		t.Fatal(err)
	}
	if c != nil {
		t.Cleanup(func() { c.CloseNow() })
	}
	return c, response
}

// wantStatus opens a connection and fails the test unless the answer has the status.
func wantStatus(t *testing.T, addr net.Addr, header http.Header, status int) (*molva.Conn, *http.Response) {
	t.Helper()
	c, response := handshakeFrom(t, addr, header)
	if response.StatusCode != status {
		t.Fatalf("answered %s, want %d", response.Status, status)
	}
	return c, response
}

// forwardedFor is what a proxy adds for a client.
func forwardedFor(client string) http.Header { return http.Header{"X-Forwarded-For": {client}} }

// wantStats waits until ok.
func wantStats(t *testing.T, srv *molva.Server, ok func(molva.Stats) bool) {
	t.Helper()
	if !within(peerPatience, func() bool { return ok(srv.Stats()) }) {
		t.Fatalf("stats are %+v", srv.Stats())
	}
}

func TestAdmissionInTotal(t *testing.T) {
	onEveryFront(t, func(t *testing.T, start func(*molva.Server) net.Addr) {
		srv := &molva.Server{Admission: molva.Admission{Conns: 2}, OnMessage: echo}
		addr := start(srv)
		first, _ := wantStatus(t, addr, nil, http.StatusSwitchingProtocols)
		second, _ := wantStatus(t, addr, nil, http.StatusSwitchingProtocols)
		wantStatus(t, addr, nil, http.StatusServiceUnavailable)
		wantEcho(t, second)
		first.Close(molva.CloseNormal, "")
		wantStats(t, srv, func(s molva.Stats) bool { return s.Conns == 1 })
		wantStatus(t, addr, nil, http.StatusSwitchingProtocols)
		wantStats(t, srv, func(s molva.Stats) bool {
			return s.Conns == 2 && s.Handshakes == 3 && s.Refused == molva.RefusedStats{Total: 1}
		})
	})
}

func TestAdmissionOfAnAddress(t *testing.T) {
	onEveryFront(t, func(t *testing.T, start func(*molva.Server) net.Addr) {
		srv := &molva.Server{Admission: molva.Admission{ConnsPerAddr: 1}, TrustedProxies: []string{"127.0.0.0/8"}}
		addr := start(srv)
		first, _ := wantStatus(t, addr, forwardedFor("192.0.2.1"), http.StatusSwitchingProtocols)
		wantStatus(t, addr, forwardedFor("192.0.2.1"), http.StatusTooManyRequests)
		wantStatus(t, addr, forwardedFor("192.0.2.2"), http.StatusSwitchingProtocols)
		wantStatus(t, addr, forwardedFor("2001:db8::1"), http.StatusSwitchingProtocols)
		wantStatus(t, addr, forwardedFor("2001:db8::2"), http.StatusTooManyRequests)
		wantStatus(t, addr, forwardedFor("2001:db8:0:1::1"), http.StatusSwitchingProtocols)
		wantStats(t, srv, func(s molva.Stats) bool { return s.Conns == 4 })
		first.Close(molva.CloseNormal, "")
		wantStats(t, srv, func(s molva.Stats) bool { return s.Conns == 3 })
		wantStatus(t, addr, forwardedFor("192.0.2.1"), http.StatusSwitchingProtocols)
		wantStats(t, srv, func(s molva.Stats) bool { return s.Refused == molva.RefusedStats{Addr: 2} })
	})
}

func TestAdmissionOfHandshakesInTime(t *testing.T) {
	onEveryFront(t, func(t *testing.T, start func(*molva.Server) net.Addr) {
		srv := &molva.Server{
			Admission:      molva.Admission{Handshakes: 0.01, HandshakeBurst: 2},
			TrustedProxies: []string{"127.0.0.1"},
		}
		addr := start(srv)
		for range 2 {
			wantStatus(t, addr, forwardedFor("192.0.2.1"), http.StatusSwitchingProtocols)
		}
		_, response := wantStatus(t, addr, forwardedFor("192.0.2.1"), http.StatusTooManyRequests)
		if after := response.Header.Get("Retry-After"); after != "100" {
			t.Errorf("Retry-After is %q, want 100", after)
		}
		wantStatus(t, addr, forwardedFor("192.0.2.2"), http.StatusSwitchingProtocols)
		wantStats(t, srv, func(s molva.Stats) bool { return s.Refused == molva.RefusedStats{Rate: 1} && s.Handshakes == 3 })
	})
}

func TestADryRunLetsEverybodyInAndCounts(t *testing.T) {
	onEveryFront(t, func(t *testing.T, start func(*molva.Server) net.Addr) {
		for _, c := range []struct {
			admission molva.Admission
			want      molva.SparedStats
		}{
			{molva.Admission{Conns: 2}, molva.SparedStats{Total: 3}},
			{molva.Admission{ConnsPerAddr: 2}, molva.SparedStats{Addr: 3}},
			{molva.Admission{Handshakes: 0.001, HandshakeBurst: 2}, molva.SparedStats{Rate: 3}},
		} {
			c.admission.DryRun = true
			srv := &molva.Server{Admission: c.admission, Logger: slog.New(slog.DiscardHandler)}
			addr := start(srv)
			var conns []*molva.Conn
			for range 5 {
				conn, _ := wantStatus(t, addr, nil, http.StatusSwitchingProtocols)
				conns = append(conns, conn)
			}
			wantStats(t, srv, func(s molva.Stats) bool {
				return s.Conns == 5 && s.Spared == c.want && s.Refused == molva.RefusedStats{}
			})
			for _, conn := range conns { // who leaves makes room, whether he should have been let in or not
				conn.CloseNow()
			}
			wantStats(t, srv, func(s molva.Stats) bool { return s.Conns == 0 })
			wantStatus(t, addr, nil, http.StatusSwitchingProtocols)
			c.want.Rate += min(c.want.Rate, 1)
			wantStats(t, srv, func(s molva.Stats) bool { return s.Spared == c.want })
		}
	})
}

// TestRefusedHandshakesLeaveRoom has clients come whom the server refuses for another reason than their number.
func TestRefusedHandshakesLeaveRoom(t *testing.T) {
	onEveryFront(t, func(t *testing.T, start func(*molva.Server) net.Addr) {
		srv := &molva.Server{
			Admission: molva.Admission{Conns: 1, ConnsPerAddr: 1},
			OnUpgrade: func(u *molva.Upgrade) error {
				switch u.URL.Query().Get("as") {
				case "nobody":
					return &molva.Refusal{Status: http.StatusUnauthorized}
				case "broken":
					u.Subprotocol = "no token"
				}
				return nil
			},
			Logger: slog.New(slog.DiscardHandler),
		}
		addr := start(srv)
		for range 3 {
			wantStatus(t, addr, http.Header{"Origin": {"https://elsewhere.example"}}, http.StatusForbidden)
			for as, status := range map[string]int{"nobody": http.StatusUnauthorized, "broken": http.StatusInternalServerError} {
				_, response, _ := molva.Dial(t.Context(), "ws://"+addr.String()+"/?as="+as, nil)
				if response == nil || response.StatusCode != status {
					t.Fatalf("%s: %+v, want %d", as, response, status)
				}
			}
		}
		wantStatus(t, addr, nil, http.StatusSwitchingProtocols)
		wantStats(t, srv, func(s molva.Stats) bool {
			return s.Refused == molva.RefusedStats{Origin: 3, Upgrade: 3, Failed: 3} && s.Conns == 1
		})
	})
}

// TestAdmissionCountsConnectionsFromAccept has both kinds of connections on one server.
func TestAdmissionCountsConnectionsFromAccept(t *testing.T) {
	srv := &molva.Server{Admission: molva.Admission{Conns: 1}}
	l := listen(t, "tcp", "127.0.0.1:0")
	serveHTTP(t, l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := molva.Accept(w, r, &molva.AcceptOptions{Server: srv}); err == nil {
			go echoRead(c)
		}
	}))
	t.Cleanup(func() { shutdown(t, srv) })
	c, _ := wantStatus(t, l.Addr(), nil, http.StatusSwitchingProtocols)
	wantEcho(t, c)
	wantStatus(t, l.Addr(), nil, http.StatusServiceUnavailable)
	c.Close(molva.CloseNormal, "")
	wantStats(t, srv, func(s molva.Stats) bool { return s.Conns == 0 })
	wantStatus(t, l.Addr(), nil, http.StatusSwitchingProtocols)
	wantStats(t, srv, func(s molva.Stats) bool { return s.MessagesIn == 1 && s.MessagesOut == 1 && s.Refused.Total == 1 })
}

// TestOpeningsOfAnAddressAreLimited opens connections that never say what they want.
func TestOpeningsOfAnAddressAreLimited(t *testing.T) {
	const most = 64
	for _, e := range serverEngines {
		t.Run(e.name, func(t *testing.T) {
			srv := &molva.Server{Engine: e.engine, Admission: molva.Admission{ConnsPerAddr: 1}}
			l := listen(t, "tcp", "127.0.0.1:0")
			serve(t, l, srv)
			for range most {
				silent(t, l.Addr())
			}
			wantStats(t, srv, func(s molva.Stats) bool { return s.Openings == most })
			response := answerOn(t, silent(t, l.Addr()))
			if response.StatusCode != http.StatusTooManyRequests {
				t.Errorf("answered %s, want 429", response.Status)
			}
			wantStats(t, srv, func(s molva.Stats) bool { return s.Openings == most && s.Refused == molva.RefusedStats{Addr: 1} })
		})
	}
}

// TestStatsOfRefusals goes through the reasons that have nothing to do with how many clients there are.
func TestStatsOfRefusals(t *testing.T) {
	for _, test := range []struct {
		name    string
		request string
		status  int
		want    molva.RefusedStats
	}{
		{"no HTTP", "hello\r\n\r\n", http.StatusBadRequest, molva.RefusedStats{Request: 1}},
		{"no handshake", "GET / HTTP/1.1\r\nHost: h\r\n\r\n", http.StatusUpgradeRequired, molva.RefusedStats{Request: 1}},
		{"header too long", "GET / HTTP/1.1\r\nX: " + string(make([]byte, 17<<10)), http.StatusRequestHeaderFieldsTooLarge,
			molva.RefusedStats{TooLarge: 1}},
		{"header too long, all at once", "GET / HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("x", 17<<10) + "\r\n\r\n",
			http.StatusRequestHeaderFieldsTooLarge, molva.RefusedStats{TooLarge: 1}},
		{"half a request", "GET / HTTP/1.1\r\n", http.StatusRequestTimeout, molva.RefusedStats{Timeout: 1}},
	} {
		for _, e := range serverEngines {
			t.Run(test.name+"/"+e.name, func(t *testing.T) {
				srv := &molva.Server{Engine: e.engine}
				if test.want.Timeout > 0 {
					srv.Timeouts.Handshake = 50 * time.Millisecond
				}
				l := listen(t, "tcp", "127.0.0.1:0")
				serve(t, l, srv)
				nc := silent(t, l.Addr())
				nc.Write([]byte(test.request))
				if response := answerOn(t, nc); response.StatusCode != test.status {
					t.Errorf("answered %s, want %d", response.Status, test.status)
				}
				nc.Close()
				wantStats(t, srv, func(s molva.Stats) bool { return s.Refused == test.want && s.Openings == 0 })
			})
		}
	}
}

func TestStatsOfRefusalsAtShutdown(t *testing.T) {
	for _, e := range serverEngines {
		t.Run(e.name, func(t *testing.T) {
			srv := &molva.Server{Engine: e.engine}
			l := listen(t, "tcp", "127.0.0.1:0")
			go srv.Serve(l)
			silent(t, l.Addr())
			wantStats(t, srv, func(s molva.Stats) bool { return s.Openings == 1 })
			if err := srv.Shutdown(context.Background()); err != nil {
				t.Fatal(err)
			}
			wantStats(t, srv, func(s molva.Stats) bool { return s.Openings == 0 && s.Refused == molva.RefusedStats{Shutdown: 1} })
		})
	}
}
