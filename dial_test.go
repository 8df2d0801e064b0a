package molva_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/handshake"
)

func TestDialOverTLS(t *testing.T) {
	srv := &molva.Server{OnMessage: func(c *molva.Conn, m molva.Message) { c.Send(m) }}
	t.Cleanup(func() { srv.Close() })
	web := httptest.NewUnstartedServer(srv)
	web.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	web.StartTLS()
	t.Cleanup(web.Close)
	address := strings.Replace(web.URL, "https", "wss", 1)
	if _, _, err := molva.Dial(inTime(t), address, nil); err == nil {
		t.Error("Dial trusts an unknown authority")
	}
	roots := web.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	c, _, err := molva.Dial(inTime(t), address, &molva.DialOptions{TLSConfig: &tls.Config{RootCAs: roots}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseNow)
	large := strings.Repeat("x", 1<<20)
	c.Write(inTime(t), molva.Text(large))
	wantMessage(t, c, large)
	if err := c.Close(molva.CloseNormal, ""); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func TestDialRefused(t *testing.T) {
	cases := map[string]struct {
		answer http.HandlerFunc
		status int
		body   string
	}{
		"with a page": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "not today", http.StatusServiceUnavailable)
		}, http.StatusServiceUnavailable, "not today\n"},
		"by a redirect": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/" {
				t.Error("the redirect was followed")
			}
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		}, http.StatusFound, ""},
		"with a body without end": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			for {
				if _, err := io.WriteString(w, strings.Repeat("x", 1<<10)); err != nil {
					return
				}
			}
		}, http.StatusForbidden, strings.Repeat("x", 64<<10)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			web := httptest.NewServer(c.answer)
			defer web.Close()
			conn, response, err := molva.Dial(inTime(t), strings.Replace(web.URL, "http", "ws", 1)+"/", nil)
			var refused *handshake.ResponseError
			if conn != nil || !errors.As(err, &refused) || refused.Status != c.status {
				t.Fatalf("Dial: %v, %v", conn, err)
			}
			body, err := io.ReadAll(response.Body)
			if err != nil || c.body != "" && string(body) != c.body {
				t.Errorf("a body of %d bytes, %v", len(body), err)
			}
		})
	}
}

func TestDialFailsInTime(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and answers nothing
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	address := "ws://" + l.Addr().String()
	t.Run("by Timeouts.Handshake", func(t *testing.T) {
		_, response, err := molva.Dial(inTime(t), address, &molva.DialOptions{
			Timeouts: molva.Timeouts{Handshake: 20 * time.Millisecond}})
		if !errors.Is(err, context.DeadlineExceeded) || response != nil {
			t.Errorf("Dial: %v", err)
		}
	})
	t.Run("by its context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		go func() {
			nc, err := l.Accept()
			if err == nil {
				defer nc.Close()
			}
			cancel()
			<-ctx.Done()
		}()
		if _, _, err := molva.Dial(ctx, address, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("Dial: %v", err)
		}
	})
}

func TestDialSendsItsHeader(t *testing.T) {
	seen := make(chan *http.Request, 1)
	addr, _ := acceptOn(t, &molva.AcceptOptions{OnUpgrade: func(u *molva.Upgrade) error {
		seen <- u.Request
		return nil
	}})
	dial(t, addr, &molva.DialOptions{Header: http.Header{"Authorization": {"Bearer x"}, "X-Own": {"1", "2"}}})
	r := <-seen
	if r.Header.Get("Authorization") != "Bearer x" || len(r.Header["X-Own"]) != 2 {
		t.Errorf("the request has the header %v", r.Header)
	}
	if _, _, err := molva.Dial(inTime(t), "ws://"+addr, &molva.DialOptions{
		Header: http.Header{"Sec-Websocket-Key": {"mine"}}}); err == nil {
		t.Error("Dial sends a key of the user's")
	}
	if _, _, err := molva.Dial(inTime(t), "ftp://"+addr, nil); err == nil {
		t.Error("Dial knows ftp")
	}
}

func TestDialThroughAProxy(t *testing.T) {
	target, conns := acceptOn(t, nil)
	asked := make(chan string, 1)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.Host
		out, err := net.Dial("tcp", target)
		if err != nil {
			t.Error(err)
			return
		}
		in, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		io.WriteString(in, "HTTP/1.1 200 OK\r\n\r\n")
		go func() {
			defer in.Close()
			io.Copy(in, out)
		}()
		defer out.Close()
		io.Copy(out, in)
	}))
	t.Cleanup(web.Close)
	via, _ := url.Parse(web.URL)
	c := dial(t, "far.example:81", &molva.DialOptions{Proxy: func(*url.URL) (*url.URL, error) { return via, nil }})
	if got := <-asked; got != "CONNECT far.example:81" {
		t.Errorf("the proxy was asked to %s", got)
	}
	server := <-conns
	server.Send(molva.Text("through"))
	wantMessage(t, c, "through")
	c.CloseNow()
	server.CloseNow()
}
