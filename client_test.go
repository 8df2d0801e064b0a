package molva_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/molva-ws/molva"
)

// seen is what a server learns of a client.
type seen struct {
	upgrade, conn netip.Addr // ClientAddr of each
	request       string     // RemoteAddr of the request
	socket        string     // RemoteAddr of the connection
}

// watchClients makes srv report its clients.
func watchClients(srv *molva.Server) <-chan seen {
	clients := make(chan seen, 1)
	srv.OnUpgrade = func(u *molva.Upgrade) error {
		u.Value = seen{upgrade: u.ClientAddr, request: u.RemoteAddr}
		return nil
	}
	srv.OnOpen = func(c *molva.Conn) {
		s := c.Value().(seen)
		s.conn, s.socket = c.ClientAddr(), c.RemoteAddr().String()
		clients <- s
	}
	return clients
}

const loopback = "127.0.0.1"

func TestClientAddr(t *testing.T) {
	for _, test := range []struct {
		name    string
		trusted []string
		field   string
		header  http.Header
		want    string // "" for a refusal with 400
	}{
		{"nobody is trusted", nil, "", forwardedFor("192.0.2.1"), loopback},
		{"somebody else is trusted", []string{"127.0.0.2", "10.0.0.0/8", "unix"}, "", forwardedFor("192.0.2.1"), loopback},
		{"the peer is trusted", []string{"10.0.0.0/8", "127.0.0.0/8"}, "", forwardedFor("192.0.2.1"), "192.0.2.1"},
		{"the peer says nothing", []string{loopback}, "", nil, loopback},
		{"through two proxies", []string{loopback, "10.0.0.1"}, "", forwardedFor("1.1.1.1, 192.0.2.1, 10.0.0.1"), "192.0.2.1"},
		{"Forwarded", []string{loopback}, "", http.Header{"Forwarded": {`for="[2001:db8::1]"`}}, "2001:db8::1"},
		{"X-Real-IP", []string{loopback}, "", http.Header{"X-Real-Ip": {"192.0.2.1"}}, "192.0.2.1"},
		{"chosen field", []string{loopback}, "CF-Connecting-IP",
			http.Header{"Cf-Connecting-Ip": {"192.0.2.1"}, "X-Forwarded-For": {"1.1.1.1"}}, "192.0.2.1"},
		{"contradiction", []string{loopback}, "", http.Header{"X-Real-Ip": {"192.0.2.1"}, "X-Forwarded-For": {"1.1.1.1"}}, ""},
		{"malformed", []string{loopback}, "", http.Header{"X-Real-Ip": {"me"}}, ""},
		{"malformed, not trusted", nil, "", http.Header{"X-Real-Ip": {"me"}}, loopback},
	} {
		t.Run(test.name, func(t *testing.T) {
			onEveryFront(t, func(t *testing.T, start func(*molva.Server) net.Addr) {
				srv := &molva.Server{TrustedProxies: test.trusted, ProxyHeader: test.field}
				clients := watchClients(srv)
				addr := start(srv)
				if test.want == "" {
					wantStatus(t, addr, test.header, http.StatusBadRequest)
					wantStats(t, srv, func(s molva.Stats) bool { return s.Refused == molva.RefusedStats{Request: 1} })
					return
				}
				wantStatus(t, addr, test.header, http.StatusSwitchingProtocols)
				want := netip.MustParseAddr(test.want)
				got := <-clients
				if got.upgrade != want || got.conn != want {
					t.Errorf("got %+v, want %v", got, want)
				}
				if got.request != got.socket || !strings.HasPrefix(got.socket, loopback+":") {
					t.Errorf("RemoteAddr is %q, and %q of the connection", got.request, got.socket)
				}
			})
		})
	}
}

func TestClientAddrBehindAUnixSocket(t *testing.T) {
	for _, trusted := range []bool{false, true} {
		for _, f := range fronts {
			t.Run(fmt.Sprintf("trusted %v/%s", trusted, f.name), func(t *testing.T) {
				srv := &molva.Server{Engine: f.engine, Admission: molva.Admission{ConnsPerAddr: 1, Handshakes: 0.001}}
				if trusted {
					srv.TrustedProxies = []string{"unix"}
				}
				clients := watchClients(srv)
				l := listen(t, "unix", filepath.Join(t.TempDir(), "socket"))
				if f.handler {
					serveHTTP(t, l, srv)
					t.Cleanup(func() { shutdown(t, srv) })
				} else {
					serve(t, l, srv)
				}
				var status string
				for i := range 2 {
					nc := silent(t, l.Addr())
					io.WriteString(nc, rawHandshake("X-Forwarded-For: 192.0.2.1\r\n"))
					status = answerOn(t, nc).Status
					if i == 0 {
						if got := (<-clients).conn; trusted != (got == netip.MustParseAddr("192.0.2.1")) || !trusted && got.IsValid() {
							t.Errorf("client is %v", got)
						}
					}
				}
				if refused := strings.HasPrefix(status, "429"); refused != trusted {
					t.Errorf("the second connection is answered %s", status)
				}
			})
		}
	}
}

// rawHandshake returns a request for a WebSocket.
func rawHandshake(fields string) string {
	return "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + fields + "\r\n"
}

func TestProxyProtocol(t *testing.T) {
	const (
		v1      = "PROXY TCP4 192.0.2.1 10.0.0.1 4711 80\r\n"
		v1Proxy = "PROXY TCP4 127.0.0.1 10.0.0.1 4711 80\r\n"
		v2      = "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\x0a\x00\x00\x01\x12\x67\x00\x50"
		v2Local = "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"
		local   = "local" // in place of an address: that of the socket
	)
	for _, test := range []struct {
		name    string
		trusted string
		send    string
		fields  string
		client  string // "" for a refusal with 400
		remote  string
	}{
		{"version 1", loopback, v1, "", "192.0.2.1", "192.0.2.1:4711"},
		{"version 2", loopback, v2, "", "192.0.2.1", "192.0.2.1:4711"},
		{"the proxy for itself", loopback, v2Local, "", loopback, local},
		{"the client's word", loopback, v1, "X-Forwarded-For: 1.1.1.1\r\n", "192.0.2.1", "192.0.2.1:4711"},
		{"the word of a proxy behind the proxy", loopback, v1Proxy, "X-Forwarded-For: 192.0.2.9\r\n", "192.0.2.9", "127.0.0.1:4711"},
		{"none from a proxy", loopback, "", "", "", ""},
		{"malformed", loopback, "PROXY TCP4 192.0.2.1\r\n", "", "", ""},
		{"too long", loopback, "\r\n\r\n\x00\r\nQUIT\n\x21\x11\xff\xff", "", "", ""},
		{"none from somebody else", "10.0.0.0/8", "", "", loopback, local},
		{"one from somebody else", "10.0.0.0/8", v1, "", "", ""},
	} {
		for _, e := range serverEngines {
			for _, chunk := range []int{1, 1000} {
				t.Run(fmt.Sprintf("%s/%s/%d bytes at a time", test.name, e.name, chunk), func(t *testing.T) {
					srv := &molva.Server{Engine: e.engine, TrustedProxies: []string{test.trusted}, ProxyProtocol: true}
					clients := watchClients(srv)
					l := listen(t, "tcp", "127.0.0.1:0")
					serve(t, l, srv)
					nc := silent(t, l.Addr())
					go writeChunks(nc, test.send+rawHandshake(test.fields), chunk)
					response := answerOn(t, nc)
					if test.client == "" {
						if response.StatusCode != http.StatusBadRequest {
							t.Errorf("answered %s, want 400", response.Status)
						}
						nc.Close()
						wantStats(t, srv, func(s molva.Stats) bool { return s.Refused == molva.RefusedStats{Request: 1} && s.Openings == 0 })
						return
					}
					got := <-clients
					if want := netip.MustParseAddr(test.client); got.upgrade != want || got.conn != want {
						t.Errorf("got %+v, want the client %v", got, want)
					}
					want := test.remote
					if want == local {
						want = nc.LocalAddr().String()
					}
					if got.request != want || got.socket != nc.LocalAddr().String() {
						t.Errorf("got %+v, want %q for the request, %q for the socket", got, want, nc.LocalAddr())
					}
				})
			}
		}
	}
}

// writeChunks writes so many bytes at a time. That the other end has seen enough does not matter.
func writeChunks(nc net.Conn, s string, chunk int) {
	for len(s) > 0 {
		n := min(chunk, len(s))
		if _, err := io.WriteString(nc, s[:n]); err != nil {
			return
		}
		s = s[n:]
	}
}

// TestProxyProtocolBeforePlainRequests has a request that is none for a WebSocket, and one that is, on one connection.
func TestProxyProtocolBeforePlainRequests(t *testing.T) {
	for _, e := range serverEngines {
		t.Run(e.name, func(t *testing.T) {
			remotes := make(chan string, 1)
			srv := &molva.Server{
				Engine:         e.engine,
				TrustedProxies: []string{loopback},
				ProxyProtocol:  true,
				Handler:        http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { remotes <- r.RemoteAddr }),
			}
			clients := watchClients(srv)
			l := listen(t, "tcp", "127.0.0.1:0")
			serve(t, l, srv)
			nc := silent(t, l.Addr())
			in := bufio.NewReader(nc)
			io.WriteString(nc, "PROXY TCP4 192.0.2.1 10.0.0.1 4711 80\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n")
			if remote := <-remotes; remote != "192.0.2.1:4711" {
				t.Errorf("the handler sees %q", remote)
			}
			if response, err := http.ReadResponse(in, nil); err != nil || response.StatusCode != http.StatusOK {
				t.Fatalf("answered %+v, %v", response, err)
			}
			wantStats(t, srv, func(s molva.Stats) bool { return s.Openings == 0 })
			io.WriteString(nc, rawHandshake(""))
			got := <-clients
			if want := netip.MustParseAddr("192.0.2.1"); got.conn != want || got.request != "192.0.2.1:4711" {
				t.Errorf("got %+v", got)
			}
			if got.socket != nc.LocalAddr().String() {
				t.Errorf("RemoteAddr is %q, want %q", got.socket, nc.LocalAddr())
			}
		})
	}
}
