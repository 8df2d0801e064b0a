package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// roundTrip sends a line through a tunnel to an echo server.
func roundTrip(t *testing.T, conn net.Conn) {
	t.Helper()
	if _, err := io.WriteString(conn, "hello\n"); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len("hello\n"))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != "hello\n" {
		t.Fatalf("echo = %q, %v", got, err)
	}
}

func TestDialContextReachesTargetThroughEveryScheme(t *testing.T) {
	boundIPv4 := []byte{1, 127, 0, 0, 1, 0, 80}
	boundIPv6 := append([]byte{4}, make([]byte, 18)...)
	boundDomain := append([]byte{3, 255}, make([]byte, 257)...)
	tests := []struct {
		name, scheme, addr, asked string
		bound                     []byte
	}{
		{"CONNECT to domain", "http", "target.test:443", "target.test:443", nil},
		{"CONNECT to IPv4", "http", "192.0.2.1:80", "192.0.2.1:80", nil},
		{"CONNECT to IPv6", "http", "[2001:db8::1]:80", "[2001:db8::1]:80", nil},
		{"CONNECT over TLS", "https", "target.test:443", "target.test:443", nil},
		{"SOCKS to domain", "socks5", "target.test:443", "domain target.test:443", boundIPv4},
		{"SOCKS to IPv4", "socks5", "192.0.2.1:80", "ipv4 192.0.2.1:80", boundIPv6},
		{"SOCKS to IPv6", "socks5", "[2001:db8::1]:80", "ipv6 [2001:db8::1]:80", boundDomain},
		{"SOCKS to IPv4 in IPv6", "socks5", "[::ffff:192.0.2.1]:80", "ipv4 192.0.2.1:80", boundIPv4},
		{"SOCKS resolving remotely", "socks5h", "target.test:443", "domain target.test:443", boundIPv4},
	}
	logins := []struct {
		name string
		user *url.Userinfo
	}{
		{"open", nil},
		{"with login", url.UserPassword("molva", "p:ä s")},
	}
	for _, tt := range tests {
		for _, login := range logins {
			t.Run(tt.name+" "+login.name, func(t *testing.T) {
				p := newTunnelProxy(listen(t, "tcp4", echo))
				if login.user != nil {
					p.user = login.user.Username()
					p.password, _ = login.user.Password()
				}
				var d Dialer
				script := p.serveConnect
				switch tt.scheme {
				case "https":
					script, d.TLSConfig = overTLS(t, script)
				case "socks5", "socks5h":
					script = p.serveSOCKS(tt.bound)
				}
				proxyURL := proxyAt(tt.scheme, listen(t, "tcp4", script), login.user)

				conn, err := d.DialContext(t.Context(), proxyURL, tt.addr)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				if asked := <-p.asked; asked != tt.asked {
					t.Errorf("proxy was asked for %q, want %q", asked, tt.asked)
				}
				switch conn.(type) {
				case *net.TCPConn, *tls.Conn:
				default:
					t.Errorf("conn is a %T, want the dialed connection itself", conn)
				}
				roundTrip(t, conn)
			})
		}
	}
}

func TestDialContextReachesProxyOverIPv6(t *testing.T) {
	p := newTunnelProxy(listen(t, "tcp6", echo))
	proxyURL := proxyAt("http", listen(t, "tcp6", p.serveConnect), nil)
	conn, err := new(Dialer).DialContext(t.Context(), proxyURL, "target.test:80")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	roundTrip(t, conn)
}

func TestDialContextWithoutProxyDialsTarget(t *testing.T) {
	conn, err := new(Dialer).DialContext(t.Context(), nil, listen(t, "tcp4", echo))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	roundTrip(t, conn)
}

func TestDialContextReportsRefusedCredentials(t *testing.T) {
	logins := map[string]*url.Userinfo{
		"none":           nil,
		"wrong password": url.UserPassword("molva", "wrong"),
		"wrong user":     url.UserPassword("wrong", "secret"),
		"no password":    url.User("molva"),
	}
	for _, scheme := range []string{"http", "socks5"} {
		for name, user := range logins {
			t.Run(scheme+" "+name, func(t *testing.T) {
				p := &tunnelProxy{user: "molva", password: "secret"}
				script := p.serveConnect
				if scheme == "socks5" {
					script = p.serveSOCKS(nil)
				}
				proxyURL := proxyAt(scheme, listen(t, "tcp4", script), user)
				_, err := new(Dialer).DialContext(t.Context(), proxyURL, "target.test:80")
				if !errors.Is(err, ErrAuthentication) {
					t.Fatalf("err = %v, want ErrAuthentication", err)
				}
			})
		}
	}
}

func TestErrorNamesProxyWithoutItsCredentials(t *testing.T) {
	addr := listen(t, "tcp4", hangsUpAfter("HTTP/1.1 403 No\r\n\r\n"))
	proxyURL := proxyAt("http", addr, url.UserPassword("molva", "secret"))
	_, err := new(Dialer).DialContext(t.Context(), proxyURL, "target.test:80")
	var proxyErr *Error
	if !errors.As(err, &proxyErr) || proxyErr.Proxy != "http://"+addr || proxyErr.Addr != "target.test:80" {
		t.Errorf("err = %#v", err)
	}
	if strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), addr) {
		t.Errorf("err = %v", err)
	}
}

func TestDialContextDialsOnlyWhatItCanSpeakTo(t *testing.T) {
	tests := []struct {
		name, proxy, addr string
		want              error
	}{
		{"unknown scheme", "ftp://proxy.test", "target.test:80", ErrScheme},
		{"no scheme", "//proxy.test", "target.test:80", ErrScheme},
		{"no host", "http:///", "target.test:80", ErrAddress},
		{"port alone", "http://:8080", "target.test:80", ErrAddress},
		{"bad target", "http://proxy.test", "target.test", ErrAddress},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			proxyURL, err := url.Parse(tt.proxy)
			if err != nil {
				t.Fatal(err)
			}
			d := Dialer{Dial: func(context.Context, string, string) (net.Conn, error) {
				t.Error("dialed")
				return nil, net.ErrClosed
			}}
			if _, err := d.DialContext(t.Context(), proxyURL, tt.addr); !errors.Is(err, tt.want) {
				t.Errorf("err = %v, want %v", err, tt.want)
			}
		})
	}
}

func TestDialContextUsesDefaultPorts(t *testing.T) {
	tests := map[string]string{
		"http://proxy.test":            "proxy.test:80",
		"https://proxy.test":           "proxy.test:443",
		"socks5://proxy.test":          "proxy.test:1080",
		"socks5h://[2001:db8::1]":      "[2001:db8::1]:1080",
		"http://proxy.test:3128":       "proxy.test:3128",
		"socks5://[2001:db8::1]:9050/": "[2001:db8::1]:9050",
	}
	errDial := errors.New("no such proxy")
	for raw, want := range tests {
		t.Run(raw, func(t *testing.T) {
			proxyURL, err := url.Parse(raw)
			if err != nil {
				t.Fatal(err)
			}
			var got string
			d := Dialer{Dial: func(_ context.Context, network, addr string) (net.Conn, error) {
				got = network + " " + addr
				return nil, errDial
			}}
			if _, err := d.DialContext(t.Context(), proxyURL, "target.test:80"); !errors.Is(err, errDial) {
				t.Errorf("err = %v, want that of Dial", err)
			}
			if got != "tcp "+want {
				t.Errorf("dialed %q, want %q", got, "tcp "+want)
			}
		})
	}
}

func TestDialContextRejectsProxyOfUnknownCertificate(t *testing.T) {
	script, _ := overTLS(t, answers(""))
	proxyURL := proxyAt("https", listen(t, "tcp4", script), nil)
	_, err := new(Dialer).DialContext(t.Context(), proxyURL, "target.test:80")
	var certErr *tls.CertificateVerificationError
	if !errors.As(err, &certErr) {
		t.Errorf("err = %v, want a certificate error", err)
	}
}

func TestReadErrorIsNotBlamedOnTheProtocol(t *testing.T) {
	for _, scheme := range []string{"http", "socks5"} {
		t.Run(scheme, func(t *testing.T) {
			addr := listen(t, "tcp4", func(conn net.Conn) {
				conn.Read(make([]byte, 4096))
				conn.(*net.TCPConn).SetLinger(0) // so that closing resets it
			})
			_, err := new(Dialer).DialContext(t.Context(), proxyAt(scheme, addr, nil), "target.test:80")
			if !errors.Is(err, syscall.ECONNRESET) || errors.Is(err, ErrProtocol) {
				t.Errorf("err = %v, want the reset", err)
			}
		})
	}
}

// silences are the points at which a proxy can fall silent: the scheme, and what
// the proxy says before.
var silences = []struct {
	name, scheme string
	says         []string
}{
	{"before the answer to CONNECT", "http", nil},
	{"within the answer to CONNECT", "http", []string{"HTTP/1.1 200 OK\r\nVia: "}},
	{"after an interim response", "http", []string{"HTTP/1.1 100 Continue\r\n\r\n"}},
	{"within the TLS handshake", "https", nil},
	{"before the SOCKS method", "socks5", nil},
	{"within the SOCKS method", "socks5", []string{"\x05"}},
	{"before the SOCKS login's verdict", "socks5", []string{"\x05\x02"}},
	{"before the SOCKS reply", "socks5", []string{"\x05\x00"}},
	{"within the SOCKS reply", "socks5", []string{"\x05\x00", "\x05\x00\x00\x03\xff"}},
}

func TestCancelInterruptsSilentProxy(t *testing.T) {
	for _, tt := range silences {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			addr := listen(t, "tcp4", func(conn net.Conn) {
				buf := make([]byte, 4096)
				conn.Read(buf)
				for i, part := range tt.says {
					if i > 0 {
						conn.Read(buf)
					}
					io.WriteString(conn, part)
				}
				cancel()
				io.Copy(io.Discard, conn) // until the dialer closes it
			})
			proxyURL := proxyAt(tt.scheme, addr, url.UserPassword("molva", "secret"))
			conn, err := new(Dialer).DialContext(ctx, proxyURL, "target.test:80")
			if conn != nil || !errors.Is(err, context.Canceled) {
				t.Errorf("DialContext = %v, %v; want context.Canceled", conn, err)
			}
		})
	}
}

func TestDeadlineInterruptsSilentProxyLeavingNoGoroutine(t *testing.T) {
	for _, tt := range silences {
		t.Run(tt.name, func(t *testing.T) {
			// The bubble's clock is false, and it fails if a goroutine is left.
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				client, server := net.Pipe()
				go answers(tt.says...)(server)
				d := Dialer{Dial: func(context.Context, string, string) (net.Conn, error) { return client, nil }}
				proxyURL := proxyAt(tt.scheme, "proxy.test", url.UserPassword("molva", "secret"))
				start := time.Now()
				_, err := d.DialContext(ctx, proxyURL, "target.test:80")
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("err = %v, want context.DeadlineExceeded", err)
				}
				if waited := time.Since(start); waited != 10*time.Second {
					t.Errorf("waited %v, want 10s", waited)
				}
			})
		})
	}
}

func TestEndOfContextAfterDialContextLeavesConnectionOpen(t *testing.T) {
	for _, scheme := range []string{"http", "socks5"} {
		t.Run(scheme, func(t *testing.T) {
			p := newTunnelProxy(listen(t, "tcp4", echo))
			script := p.serveConnect
			if scheme == "socks5" {
				script = p.serveSOCKS([]byte{1, 0, 0, 0, 0, 0, 0})
			}
			ctx, cancel := context.WithCancel(t.Context())
			conn, err := new(Dialer).DialContext(ctx, proxyAt(scheme, listen(t, "tcp4", script), nil), "target.test:80")
			cancel()
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			roundTrip(t, conn)
		})
	}
}
