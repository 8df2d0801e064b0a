package molva_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/molva-ws/molva"
)

// engine is one of the ways in which the library runs a connection. All of them echo messages, and close with 4000
// when they get askClose.
type engine struct {
	name string
	// serve serves on l until the test ends.
	serve func(t testing.TB, l net.Listener, cfg config)
	// dial is a client that stays until its connection ends. Either it or serve is set.
	dial func(url string, cfg config) error
}

var engines = []engine{
	{name: "event loop", serve: serveOwnPort(molva.EngineAuto)},
	{name: "event loop behind http", serve: serveHandler(molva.EngineAuto)},
	{name: "portable", serve: serveOwnPort(molva.EnginePortable)},
	{name: "portable behind http", serve: serveHandler(molva.EnginePortable)},
	{name: "accept and messages", serve: acceptAnd(echoMessages)},
	{name: "accept and read", serve: acceptAnd(echoRead)},
	{name: "dial and messages", dial: dialAnd(echoMessages)},
	{name: "dial and read", dial: dialAnd(echoRead)},
}

// askClose is the message by which a peer has the end under test close the connection.
const askClose = "please close"

// config is what a case tells both ends.
type config struct {
	limits      molva.Limits
	timeouts    molva.Timeouts
	compression molva.Compression
	extensions  string  // what the peer offers, or, where it plays the server, answers
	early       []frame // what the peer sends together with its half of the opening handshake
	earlyBytes  int     // how much of it it sends then, the rest afterwards; 0 for all
}

func (cfg config) extensionHeader() string {
	if cfg.extensions == "" {
		return ""
	}
	return "Sec-WebSocket-Extensions: " + cfg.extensions + "\r\n"
}

// server returns a server without callbacks.
func (cfg config) server() *molva.Server {
	return &molva.Server{
		Limits:      cfg.limits,
		Timeouts:    cfg.timeouts,
		Compression: cfg.compression,
		Logger:      slog.New(slog.DiscardHandler),
	}
}

// connect starts the end under test and returns the raw peer at the other one.
func (e engine) connect(t testing.TB, cfg config) *peer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if e.serve != nil {
		e.serve(t, l, cfg)
		return dialPeer(t, l.Addr().String(), cfg)
	}
	ended := make(chan error, 1)
	go func() { ended <- e.dial("ws://"+l.Addr().String()+"/echo", cfg) }()
	t.Cleanup(func() {
		l.Close()
		if err := <-ended; err != nil {
			t.Errorf("client: %v", err)
		}
	})
	return acceptPeer(t, l, cfg)
}

// answer does what a message asks for. A connection that is no longer there for the answer ends the reading, too.
func answer(c *molva.Conn, m molva.Message) {
	if m.String() == askClose {
		c.Close(4000, "as you wish")
		return
	}
	c.Write(context.Background(), m)
}

// serveOwnPort serves by callbacks on a port of the server's own.
func serveOwnPort(driver molva.Engine) func(testing.TB, net.Listener, config) {
	return func(t testing.TB, l net.Listener, cfg config) {
		srv := cfg.server()
		srv.Engine = driver
		srv.OnMessage = answer
		stopped := make(chan error, 1)
		go func() { stopped <- srv.Serve(l) }()
		t.Cleanup(func() {
			shutdown(t, srv)
			if err := <-stopped; err != molva.ErrServerClosed {
				t.Errorf("Serve returned %v", err)
			}
		})
	}
}

// serveHandler serves by callbacks on connections that come from net/http.
func serveHandler(driver molva.Engine) func(testing.TB, net.Listener, config) {
	return func(t testing.TB, l net.Listener, cfg config) {
		srv := cfg.server()
		srv.Engine = driver
		srv.OnMessage = func(c *molva.Conn, m molva.Message) {
			if m.String() == askClose || c.Send(m) != nil {
				answer(c, m)
			}
		}
		serveHTTP(t, l, srv)
		t.Cleanup(func() { shutdown(t, srv) })
	}
}

// acceptAnd serves by Accept and a loop that echoes.
func acceptAnd(echo func(*molva.Conn)) func(testing.TB, net.Listener, config) {
	return func(t testing.TB, l net.Listener, cfg config) {
		srv := cfg.server()
		opts := &molva.AcceptOptions{
			Server:      srv,
			Limits:      cfg.limits,
			Timeouts:    cfg.timeouts,
			Compression: cfg.compression,
		}
		var running sync.WaitGroup
		t.Cleanup(running.Wait)
		serveHTTP(t, l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, err := molva.Accept(w, r, opts)
			if err != nil {
				t.Errorf("Accept: %v", err)
				return
			}
			running.Go(func() { echo(c) })
		}))
		t.Cleanup(func() { shutdown(t, srv) })
	}
}

// dialAnd dials and runs a loop that echoes.
func dialAnd(echo func(*molva.Conn)) func(string, config) error {
	return func(url string, cfg config) error {
		c, _, err := molva.Dial(context.Background(), url, &molva.DialOptions{
			Limits:      cfg.limits,
			Timeouts:    cfg.timeouts,
			Compression: cfg.compression,
		})
		if err == nil {
			echo(c)
		}
		return err
	}
}

func echoMessages(c *molva.Conn) {
	defer c.CloseNow()
	for m, err := range c.Messages(context.Background()) {
		if err != nil {
			return
		}
		answer(c, m)
	}
}

func echoRead(c *molva.Conn) {
	defer c.CloseNow()
	for {
		m, err := c.Read(context.Background())
		if err != nil {
			return
		}
		answer(c, m)
	}
}

func serveHTTP(t testing.TB, l net.Listener, h http.Handler) {
	hs := &http.Server{Handler: h}
	go hs.Serve(l)
	t.Cleanup(func() { hs.Close() })
}

// shutdown fails the test if connections do not end by themselves once their peers are gone.
func shutdown(t testing.TB, srv *molva.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), peerPatience)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}
