package proxy

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

// dialConnect dials through an HTTP proxy that runs script.
func dialConnect(t *testing.T, script func(net.Conn)) (net.Conn, error) {
	t.Helper()
	proxyURL := proxyAt("http", listen(t, "tcp4", script), nil)
	return new(Dialer).DialContext(t.Context(), proxyURL, "target.test:80")
}

// hangsUpAfter returns a script that answers and closes its side.
func hangsUpAfter(answer string) func(net.Conn) {
	return func(conn net.Conn) {
		http.ReadRequest(bufio.NewReader(conn))
		io.WriteString(conn, answer)
	}
}

func TestConnectSendsRequest(t *testing.T) {
	requests := make(chan *http.Request, 1)
	addr := listen(t, "tcp4", func(conn net.Conn) {
		request, _ := http.ReadRequest(bufio.NewReader(conn))
		requests <- request
		io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
	})
	header := http.Header{"X-Team": {"chat"}, "Proxy-Authorization": {"Bearer token"}}
	d := Dialer{ConnectHeader: header}

	for name, tt := range map[string]struct {
		user *url.Userinfo
		auth string
	}{
		"header's credentials": {nil, "Bearer token"},
		"URL's credentials":    {url.UserPassword("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := d.DialContext(t.Context(), proxyAt("http", addr, tt.user), "[2001:db8::1]:443")
			if err != nil {
				t.Fatal(err)
			}
			conn.Close()
			request := <-requests
			if request.Method != "CONNECT" || request.RequestURI != "[2001:db8::1]:443" || request.Host != "[2001:db8::1]:443" {
				t.Errorf("request = %s %s, Host %s", request.Method, request.RequestURI, request.Host)
			}
			if got := request.Header.Get("X-Team"); got != "chat" {
				t.Errorf("X-Team = %q", got)
			}
			if got := request.Header.Get("Proxy-Authorization"); got != tt.auth {
				t.Errorf("Proxy-Authorization = %q, want %q", got, tt.auth)
			}
		})
	}
	if header.Get("Proxy-Authorization") != "Bearer token" {
		t.Error("the Dialer's header was changed")
	}
}

func TestConnectAcceptsAnySuccess(t *testing.T) {
	for name, head := range map[string]string{
		"200":                     "HTTP/1.1 200 Connection established\r\n\r\n",
		"HTTP/1.0":                "HTTP/1.0 200 OK\r\n\r\n",
		"no reason":               "HTTP/1.1 200\r\n\r\n",
		"204":                     "HTTP/1.1 204 No Content\r\n\r\n",
		"bare line feeds":         "HTTP/1.1 200 OK\nVia: x\n\n",
		"interim response":        "HTTP/1.1 102 Processing\r\nVia: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
		"lying Content-Length":    "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
		"Content-Length of zero":  "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		"lying Transfer-Encoding": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"Connection: close":       "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
		"header of almost 16 KiB": "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", maxConnectHeader-24) + "\r\n\r\n",
		"many interim responses":  strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 500) + "HTTP/1.1 200 OK\r\n\r\n",
		"status text of its own":  "HTTP/1.1 299 ä\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			// With bytes of the target's right after the header, and without.
			for _, early := range []string{"", "early", strings.Repeat("early", 20_000)} {
				conn, err := dialConnect(t, hangsUpAfter(head+early))
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				if got, err := io.ReadAll(conn); err != nil || string(got) != early {
					t.Errorf("read %d bytes, %v; want the %d sent", len(got), err, len(early))
				}
			}
		})
	}
}

func TestConnectReportsRefusal(t *testing.T) {
	long := strings.Repeat("x", 4*maxRefusalBody)
	tests := []struct {
		name, answer, status, body string
	}{
		{"with body", "HTTP/1.1 403 Not Today\r\nContent-Length: 4\r\n\r\nwhy?", "403 Not Today", "why?"},
		{"without body", "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", "502 Bad Gateway", ""},
		{"with body until the end", "HTTP/1.0 503 Busy\r\n\r\nlater", "503 Busy", "later"},
		{"with long body", "HTTP/1.1 403 No\r\n\r\n" + long, "403 No", long[:maxRefusalBody]},
		{"with lying length", "HTTP/1.1 403 No\r\nContent-Length: 99999999999\r\n\r\ncut", "403 No", "cut"},
		{"with chunks", "HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nwhy\r\n1\r\n?\r\n0\r\n\r\n", "403 No", "why?"},
		{"with lying chunk", "HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\nwhy?", "403 No", "why?"},
		{"by redirect", "HTTP/1.1 302 Found\r\nLocation: http://login.test/\r\n\r\n", "302 Found", ""},
		{"by switching protocols", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "101 Switching Protocols", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := dialConnect(t, hangsUpAfter(tt.answer))
			var refused *ConnectError
			if !errors.As(err, &refused) {
				t.Fatalf("err = %v, want a ConnectError", err)
			}
			if refused.Status != tt.status || strconv.Itoa(refused.StatusCode) != tt.status[:3] {
				t.Errorf("status = %d, %q, want %q", refused.StatusCode, refused.Status, tt.status)
			}
			if string(refused.Body) != tt.body {
				t.Errorf("body = %q, want %q", refused.Body, tt.body)
			}
			if errors.Is(err, ErrAuthentication) {
				t.Error("the refusal passes for one of the credentials")
			}
		})
	}
}

func TestConnectErrorHoldsHeaderOfRefusal(t *testing.T) {
	p := &tunnelProxy{user: "molva", password: "secret"}
	_, err := dialConnect(t, p.serveConnect)
	var refused *ConnectError
	if !errors.As(err, &refused) {
		t.Fatalf("err = %v, want a ConnectError", err)
	}
	if refused.StatusCode != 407 || refused.Header.Get("Proxy-Authenticate") != "Basic realm=test" {
		t.Errorf("refusal = %+v", refused)
	}
	if want := `"407 Who Are You"`; !strings.Contains(err.Error(), want) {
		t.Errorf("err = %v, want it to contain %s", err, want)
	}
}

func TestRefusalIsReportedThoughItsBodyNeverComes(t *testing.T) {
	refusal := answers("HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nwhy")
	for name, deadline := range map[string]time.Duration{
		"body's own time ends": time.Hour,
		"context ends":         refusalBodyWait / 2,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), deadline)
				defer cancel()
				client, server := net.Pipe()
				go refusal(server)
				d := Dialer{Dial: func(context.Context, string, string) (net.Conn, error) { return client, nil }}
				start := time.Now()
				_, err := d.DialContext(ctx, proxyAt("http", "proxy.test", nil), "target.test:80")
				var refused *ConnectError
				if !errors.As(err, &refused) || string(refused.Body) != "why" {
					t.Errorf("err = %v, want a ConnectError with what came of the body", err)
				}
				if waited := time.Since(start); waited != min(deadline, refusalBodyWait) {
					t.Errorf("waited %v", waited)
				}
			})
		})
	}
}

func TestConnectRejectsMalformedAnswer(t *testing.T) {
	for name, answer := range map[string]string{
		"nothing":                "",
		"half a status line":     "HTTP/1.1 2",
		"status line alone":      "HTTP/1.1 200 OK\r\n",
		"header without its end": "HTTP/1.1 200 OK\r\nVia: x\r\n",
		"interim response alone": "HTTP/1.1 100 Continue\r\n\r\n",
		"another protocol":       "SSH-2.0-OpenSSH_9.9\r\n\r\n",
		"another HTTP":           "HTTP/2.0 200 OK\r\n\r\n",
		"status of two digits":   "HTTP/1.1 20 OK\r\n\r\n",
		"negative status":        "HTTP/1.1 -20 OK\r\n\r\n",
		"header without a colon": "HTTP/1.1 200 OK\r\nVia\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := dialConnect(t, hangsUpAfter(answer)); !errors.Is(err, ErrProtocol) {
				t.Errorf("err = %v, want ErrProtocol", err)
			}
		})
	}
}

func TestConnectBoundsHeader(t *testing.T) {
	for name, flood := range map[string]struct{ start, repeat string }{
		"endless status line":       {"HTTP/1.1 200 ", "x"},
		"endless header":            {"HTTP/1.1 200 OK\r\n", "X: y\r\n"},
		"endless field":             {"HTTP/1.1 200 OK\r\nX: ", "yyyyyyyy"},
		"endless interim responses": {"", "HTTP/1.1 100 Continue\r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := dialConnect(t, func(conn net.Conn) {
				io.WriteString(conn, flood.start)
				for block := strings.Repeat(flood.repeat, 1000); ; {
					if _, err := io.WriteString(conn, block); err != nil {
						return // the dialer closed it
					}
				}
			})
			if !errors.Is(err, ErrHeaderTooLarge) {
				t.Errorf("err = %v, want ErrHeaderTooLarge", err)
			}
		})
	}
}

// answeringConn is a connection from which answer is read and to which all
// writes succeed.
type answeringConn struct {
	net.Conn
	answer io.Reader
}

func (c answeringConn) Read(p []byte) (int, error)      { return c.answer.Read(p) }
func (c answeringConn) Write(p []byte) (int, error)     { return len(p), nil }
func (c answeringConn) SetReadDeadline(time.Time) error { return nil }

// FuzzConnect checks that no byte after the header is lost, whatever the
// answer and in whatever pieces it comes, and that what is read is bounded.
func FuzzConnect(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\n\r\nearly"))
	f.Add([]byte("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\nContent-Length: 3\n\nearly"))
	f.Add([]byte("HTTP/1.1 407 No\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"))
	to, err := parseTarget("target.test:80")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		unread := bytes.NewReader(answer)
		conn, err := connect(answeringConn{answer: unread}, to, nil, nil)
		if read := len(answer) - unread.Len(); read > maxConnectHeader+maxRefusalBody {
			t.Fatalf("read %d bytes", read)
		}
		var status int
		if refused := (*ConnectError)(nil); errors.As(err, &refused) {
			status = refused.StatusCode
		}
		if status/100 == 2 || (conn == nil) == (err == nil) {
			t.Fatalf("connect = %v, %v", conn, err)
		}
		if err != nil {
			return
		}
		tunnel, err := io.ReadAll(conn)
		if err != nil || !bytes.HasSuffix(answer, tunnel) {
			t.Fatalf("tunnel = %q, %v", tunnel, err)
		}

		single := iotest.OneByteReader(bytes.NewReader(answer))
		conn, err = connect(answeringConn{answer: single}, to, nil, nil)
		if err != nil {
			t.Fatalf("byte by byte: %v", err)
		}
		if got, err := io.ReadAll(conn); err != nil || !bytes.Equal(got, tunnel) {
			t.Fatalf("tunnel byte by byte = %q, %v; want %q", got, err, tunnel)
		}
	})
}
