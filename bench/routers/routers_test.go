package routers

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/labstack/echo/v4"

	"github.com/molva-ws/molva"
)

// patience only passes when something hangs.
const patience = 30 * time.Second

// mount puts ws at /ws beside an ordinary route, /hello, behind middleware that wraps the http.ResponseWriter and
// counts the requests.
type mount func(ws http.Handler, requests *atomic.Int64) http.Handler

var routers = []struct {
	name  string
	mount mount
}{
	{"net/http", onServeMux},
	{"chi", onChi},
	{"gin", onGin},
	{"echo", onEcho},
}

// wrapped is what a middleware makes of an http.ResponseWriter to learn the status. By Unwrap an
// http.ResponseController still finds the way to the connection.
type wrapped struct {
	http.ResponseWriter
	status int
}

func (w *wrapped) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *wrapped) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// counting is a middleware of the usual kind.
func counting(requests *atomic.Int64) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			next.ServeHTTP(&wrapped{ResponseWriter: w}, r)
		})
	}
}

func onServeMux(ws http.Handler, requests *atomic.Int64) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })
	mux.Handle("/ws", ws)
	return counting(requests)(mux)
}

// onChi has chi's own wrapper, too, which hides the http.ResponseWriter in another way.
func onChi(ws http.Handler, requests *atomic.Int64) http.Handler {
	r := chi.NewRouter()
	r.Use(counting(requests), middleware.RequestLogger(&middleware.DefaultLogFormatter{
		Logger: slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo), NoColor: true,
	}), middleware.Recoverer)
	r.Get("/hello", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })
	r.Handle("/ws", ws)
	return r
}

func onGin(ws http.Handler, requests *atomic.Int64) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.Use(gin.Recovery(), func(c *gin.Context) {
		requests.Add(1)
		c.Next()
	})
	r.GET("/hello", func(c *gin.Context) { c.String(http.StatusOK, "hello") })
	r.GET("/ws", gin.WrapH(ws))
	return counting(new(atomic.Int64))(r)
}

func onEcho(ws http.Handler, requests *atomic.Int64) http.Handler {
	e := echo.New()
	e.Use(echo.WrapMiddleware(counting(requests)))
	e.GET("/hello", func(c echo.Context) error { return c.String(http.StatusOK, "hello") })
	e.GET("/ws", echo.WrapHandler(ws))
	return e
}

// app is an application on a real port.
type app struct {
	addr     string
	requests atomic.Int64
	closed   chan error // what OnClose gets
}

func serve(t *testing.T, m mount, engine molva.Engine) *app {
	a := &app{closed: make(chan error, 8)}
	ws := &molva.Server{
		Engine:    engine,
		OnMessage: func(c *molva.Conn, m molva.Message) { c.Send(m) },
		OnClose:   func(_ *molva.Conn, err error) { a.closed <- err },
		Logger:    slog.New(slog.DiscardHandler),
	}
	server := httptest.NewServer(m(ws, &a.requests))
	t.Cleanup(server.Close)
	t.Cleanup(func() { ws.Close() })
	a.addr = server.Listener.Addr().String()
	return a
}

// onEach runs a test on each router with each engine.
func onEach(t *testing.T, test func(*testing.T, *app)) {
	engines := map[string]molva.Engine{"loop": molva.EngineAuto, "portable": molva.EnginePortable}
	for _, router := range routers {
		for name, engine := range engines {
			t.Run(router.name+"/"+name, func(t *testing.T) { test(t, serve(t, router.mount, engine)) })
		}
	}
}

func (a *app) wantClose(t *testing.T, want molva.CloseCode) {
	t.Helper()
	select {
	case err := <-a.closed:
		if end, ok := err.(*molva.CloseError); !ok || end.Code != want || !end.ByPeer {
			t.Errorf("OnClose got %v, want %v by the peer", err, want)
		}
	case <-time.After(patience):
		t.Error("OnClose did not come")
	}
}

func TestEchoesAndCloses(t *testing.T) {
	onEach(t, func(t *testing.T, a *app) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		c, _, err := molva.Dial(ctx, "ws://"+a.addr+"/ws", nil)
		if err != nil {
			t.Fatal(err)
		}
		defer c.CloseNow()
		for _, text := range []string{"", "hello", strings.Repeat("long ", 20000)} {
			if err := c.Write(ctx, molva.Text(text)); err != nil {
				t.Fatal(err)
			}
			if m, err := c.Read(ctx); err != nil || m.String() != text {
				t.Fatalf("got %.20q, %v, want %.20q", m.Data, err, text)
			}
		}
		if err := c.Close(4000, "done"); err != nil {
			t.Errorf("Close: %v", err)
		}
		a.wantClose(t, 4000)
		if n := a.requests.Load(); n != 1 {
			t.Errorf("the middleware saw %d requests", n)
		}
	})
}

// TestBytesRightBehindTheHandshake sends frames together with the request: net/http has them in its buffer when the
// connection is handed over.
func TestBytesRightBehindTheHandshake(t *testing.T) {
	const (
		request = "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
		early   = "\x81\x85\x00\x00\x00\x00early"    // masked with zeros
		half    = "\x81\x84\x00\x00\x00\x00la"       // the rest comes later
		rest    = "te"                               // this is it
		closing = "\x88\x82\x00\x00\x00\x00\x03\xe8" // 1000
		want    = "\x81\x05early\x81\x04late\x88\x02\x03\xe8"
	)
	onEach(t, func(t *testing.T, a *app) {
		nc, err := net.Dial("tcp", a.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		nc.SetDeadline(time.Now().Add(patience))
		io.WriteString(nc, request+early+half)
		in := bufio.NewReader(nc)
		response, err := http.ReadResponse(in, nil)
		if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
			t.Fatalf("the handshake was answered by %v, %v", response, err)
		}
		io.WriteString(nc, rest+closing)
		if got, err := io.ReadAll(in); err != nil || string(got) != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
		nc.Close() // for which the server waits
		a.wantClose(t, molva.CloseNormal)
	})
}

func TestOrdinaryRoutesStayOrdinary(t *testing.T) {
	onEach(t, func(t *testing.T, a *app) {
		for path, want := range map[string]int{
			"/hello":   http.StatusOK,
			"/ws":      http.StatusUpgradeRequired, // no handshake
			"/nowhere": http.StatusNotFound,
		} {
			response, err := http.Get("http://" + a.addr + path)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(response.Body)
			response.Body.Close()
			if response.StatusCode != want || err != nil {
				t.Errorf("%s answers %s, %v, want %d", path, response.Status, err, want)
			}
			if path == "/hello" && string(body) != "hello" {
				t.Errorf("%s says %q", path, body)
			}
		}
		if n := a.requests.Load(); n < 2 {
			t.Errorf("the middleware saw %d requests", n)
		}
	})
}
