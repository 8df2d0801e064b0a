package molva_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/molva-ws/molva"
)

// journal is a log to look at.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (j *journal) logger() *slog.Logger { return slog.New(slog.NewTextHandler(j, nil)) }

// wrapped is what a middleware makes of an http.ResponseWriter.
type wrapped struct{ http.ResponseWriter }

func (w wrapped) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func TestServerOnAMuxBehindMiddleware(t *testing.T) {
	forEngines(t, func(t *testing.T, e molva.Engine) {
		srv := &molva.Server{Engine: e, OnMessage: func(c *molva.Conn, m molva.Message) { c.Send(m) }}
		t.Cleanup(func() { srv.Close() })
		mux := http.NewServeMux()
		mux.Handle("/ws", srv)
		mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "page") })
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		serveHTTP(t, l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mux.ServeHTTP(wrapped{w}, r)
		}))
		c := dial(t, l.Addr().String()+"/ws", nil)
		c.Write(inTime(t), molva.Text("echo"))
		wantMessage(t, c, "echo")
		wantPage(t, "http://"+l.Addr().String()+"/", 200, "page")
		wantPage(t, "http://"+l.Addr().String()+"/ws", http.StatusUpgradeRequired, "")
	})
}

func wantPage(t *testing.T, url string, status int, body string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	got, _ := io.ReadAll(response.Body)
	if response.StatusCode != status || body != "" && string(got) != body {
		t.Errorf("%s answers %s, %q", url, response.Status, got)
	}
}

func TestPlainRequestsOnTheServersOwnPort(t *testing.T) {
	forEngines(t, func(t *testing.T, e molva.Engine) {
		addr := start(t, &molva.Server{Engine: e,
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				io.WriteString(w, "page "+r.URL.Path)
			}),
			OnMessage: func(c *molva.Conn, m molva.Message) { c.Send(m) },
		})
		wantPage(t, "http://"+addr+"/one", 200, "page /one")
		c := dial(t, addr+"/any/path", nil)
		c.Write(inTime(t), molva.Text("echo"))
		wantMessage(t, c, "echo")
		wantPage(t, "http://"+start(t, &molva.Server{Engine: e})+"/", http.StatusUpgradeRequired, "")
	})
}

func TestOnUpgradeAdmitsAndRefuses(t *testing.T) {
	forEngines(t, func(t *testing.T, e molva.Engine) {
		log := new(journal)
		opened := make(chan *molva.Conn, 1)
		addr := start(t, &molva.Server{
			Engine:       e,
			Logger:       log.logger(),
			Subprotocols: []string{"chat"},
			OnUpgrade: func(u *molva.Upgrade) error {
				switch u.URL.Path {
				case "/refused":
					return &molva.Refusal{Status: http.StatusTeapot, Reason: "no coffee here"}
				case "/failed":
					return errors.New("secret of the database")
				case "/panics":
					panic("secret of the stack")
				case "/misplaced":
					u.ResponseHeader.Set("Sec-WebSocket-Accept", "secret of the handshake")
				}
				u.User, u.Value = u.URL.Query().Get("name"), 42
				u.ResponseHeader.Set("Set-Cookie", "a=b")
				return nil
			},
			OnOpen: func(c *molva.Conn) { opened <- c },
		})
		for path, want := range map[string]struct {
			status int
			body   string
		}{
			"/refused": {http.StatusTeapot, "no coffee here"},
			"/failed":  {http.StatusForbidden, ""},
			"/panics":  {http.StatusInternalServerError, ""},

			"/misplaced": {http.StatusInternalServerError, "internal error"},
		} {
			_, response, err := molva.Dial(inTime(t), "ws://"+addr+path, nil)
			if err == nil || response == nil || response.StatusCode != want.status {
				t.Errorf("%s answers %v, %v", path, response, err)
				continue
			}
			body, _ := io.ReadAll(response.Body)
			if !strings.Contains(string(body), want.body) || strings.Contains(string(body), "secret") {
				t.Errorf("%s answers with the body %q", path, body)
			}
		}
		if !strings.Contains(log.String(), "secret of the database") || !strings.Contains(log.String(), "secret of the stack") {
			t.Errorf("the log does not tell why: %s", log)
		}
		c, response, err := molva.Dial(inTime(t), "ws://"+addr+"/?name=anna", &molva.DialOptions{Subprotocols: []string{"chat"}})
		if err != nil {
			t.Fatal(err)
		}
		defer c.CloseNow()
		server := got(t, opened, "OnOpen")
		if server.User() != "anna" || server.Value() != 42 || server.Subprotocol() != "chat" || c.Subprotocol() != "chat" {
			t.Errorf("user %q, value %v, subprotocols %q and %q",
				server.User(), server.Value(), server.Subprotocol(), c.Subprotocol())
		}
		if response.Header.Get("Set-Cookie") != "a=b" {
			t.Errorf("the response has the header %v", response.Header)
		}
	})
}

func TestOnlyPagesOfTheSameOriginByDefault(t *testing.T) {
	forEngines(t, func(t *testing.T, e molva.Engine) {
		same := start(t, &molva.Server{Engine: e})
		wide := start(t, &molva.Server{Engine: e, Origins: []string{"https://app.example.com"}})
		for _, c := range []struct {
			addr, origin string
			status       int
		}{
			{same, "http://" + same, http.StatusSwitchingProtocols},
			{same, "https://app.example.com", http.StatusForbidden},
			{wide, "https://app.example.com", http.StatusSwitchingProtocols},
			{wide, "https://evil.example.com", http.StatusForbidden},
		} {
			conn, response, _ := molva.Dial(inTime(t), "ws://"+c.addr, &molva.DialOptions{Header: http.Header{"Origin": {c.origin}}})
			if response == nil || response.StatusCode != c.status {
				t.Errorf("a page of %s gets %v, want %d", c.origin, response, c.status)
			}
			if conn != nil {
				conn.CloseNow()
			}
		}
	})
}

func TestPanicInACallbackClosesItsConnectionOnly(t *testing.T) {
	forEngines(t, func(t *testing.T, e molva.Engine) {
		log := new(journal)
		closed := make(chan error, 4)
		addr := start(t, &molva.Server{
			Engine:    e,
			Logger:    log.logger(),
			OnUpgrade: func(u *molva.Upgrade) error { u.User = u.URL.Path[1:]; return nil },
			OnOpen: func(c *molva.Conn) {
				if c.User() == "OnOpen" {
					panic("panic in OnOpen")
				}
			},
			OnMessage: func(c *molva.Conn, m molva.Message) {
				if c.User() == "OnMessage" {
					panic("panic in OnMessage")
				}
				c.Send(m)
			},
			OnClose: func(c *molva.Conn, err error) {
				closed <- err
				if c.User() == "OnClose" {
					panic("panic in OnClose")
				}
			},
		})
		bystander := dial(t, addr+"/bystander", nil)
		for _, callback := range []string{"OnOpen", "OnMessage"} {
			c := dial(t, addr+"/"+callback, nil)
			c.Send(molva.Text("x"))
			_, err := c.Read(inTime(t))
			wantEnd(t, err, molva.CloseInternalError, true)
			wantEnd(t, got(t, closed, "OnClose"), molva.CloseInternalError, false)
			if !strings.Contains(log.String(), "panic in "+callback) || !strings.Contains(log.String(), "server_test.go") {
				t.Errorf("the log has no panic in %s with its stack", callback)
			}
		}
		dial(t, addr+"/OnClose", nil).Close(molva.CloseNormal, "")
		wantEnd(t, got(t, closed, "OnClose"), molva.CloseNormal, true)
		bystander.Send(molva.Text("still here"))
		wantMessage(t, bystander, "still here")
	})
}

func TestCallbacksComeInOrderAndOnce(t *testing.T) {
	forEngines(t, func(t *testing.T, e molva.Engine) {
		const conns = 50
		var mu sync.Mutex
		calls := make(map[*molva.Conn]string)
		note := func(c *molva.Conn, call string) {
			mu.Lock()
			defer mu.Unlock()
			calls[c] += call
		}
		var closed sync.WaitGroup
		closed.Add(conns)
		addr := start(t, &molva.Server{
			Engine:    e,
			OnOpen:    func(c *molva.Conn) { note(c, "open ") },
			OnMessage: func(c *molva.Conn, m molva.Message) { note(c, m.String()+" ") },
			OnClose: func(c *molva.Conn, _ error) {
				note(c, "close")
				closed.Done()
			},
		})
		for i := range conns {
			c := dial(t, addr, nil)
			c.Send(molva.Text("1"))
			c.Send(molva.Text("2"))
			go c.Close(molva.CloseNormal, "")
			if i%2 == 0 {
				go c.Close(molva.CloseGoingAway, "")
			}
		}
		closed.Wait()
		mu.Lock()
		defer mu.Unlock()
		if len(calls) != conns {
			t.Errorf("%d connections had callbacks, want %d", len(calls), conns)
		}
		for _, got := range calls {
			if got != "open 1 2 close" {
				t.Errorf("the callbacks of a connection were %q", got)
			}
		}
	})
}

func TestShutdownDeliversWhatWasAccepted(t *testing.T) {
	forEngines(t, func(t *testing.T, e molva.Engine) {
		const conns, messages = 10, 200
		opened := make(chan struct{}, conns)
		srv := &molva.Server{Engine: e, OnOpen: func(c *molva.Conn) { opened <- struct{}{} }}
		addr := start(t, srv)
		var clients sync.WaitGroup
		for range conns {
			c := dial(t, addr, nil)
			clients.Go(func() {
				n := 0
				var last error
				for _, err := range c.Messages(context.Background()) {
					if last = err; err == nil {
						n++
					}
				}
				if n != messages {
					t.Errorf("%d messages came, want %d", n, messages)
				}
				wantEnd(t, last, molva.CloseGoingAway, true)
			})
			got(t, opened, "OnOpen")
		}
		for range messages {
			wantReached(t, conns)(srv.Broadcast(molva.Binary(make([]byte, 2000))))
		}
		if err := srv.Shutdown(inTime(t)); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		clients.Wait()
		if _, _, err := molva.Dial(inTime(t), "ws://"+addr, nil); err == nil {
			t.Error("the server takes connections after Shutdown")
		}
		if err := srv.ListenAndServe("127.0.0.1:0"); err != molva.ErrServerClosed {
			t.Errorf("ListenAndServe after Shutdown: %v", err)
		}
	})
}

func TestShutdownWaitsForHandlers(t *testing.T) {
	forEngines(t, func(t *testing.T, e molva.Engine) {
		entered, release := make(chan struct{}), make(chan struct{})
		closed := make(chan error, 1)
		srv := &molva.Server{
			Engine: e,
			OnMessage: func(c *molva.Conn, _ molva.Message) {
				close(entered)
				<-release
			},
			OnClose: func(_ *molva.Conn, err error) { closed <- err },
		}
		c := dial(t, start(t, srv), nil)
		c.CloseRead(context.Background())
		c.Send(molva.Text("x"))
		got(t, entered, "OnMessage")
		stopped := make(chan error, 1)
		go func() { stopped <- srv.Shutdown(inTime(t)) }()
		got(t, c.Done(), "the close frame")
		select {
		case err := <-stopped:
			t.Fatalf("Shutdown returned %v while a handler ran", err)
		default:
		}
		close(release)
		if err := got(t, stopped, "the end of Shutdown"); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		wantEnd(t, got(t, closed, "OnClose"), molva.CloseGoingAway, false)
	})
}

func TestShutdownCutsWhenItsContextEnds(t *testing.T) {
	forEngines(t, func(t *testing.T, e molva.Engine) {
		opened := make(chan struct{}, 1)
		srv := &molva.Server{Engine: e, OnOpen: func(*molva.Conn) { opened <- struct{}{} }}
		p := dialPeer(t, start(t, srv), config{}) // does not answer the close frame
		got(t, opened, "OnOpen")
		ctx, cancel := context.WithCancel(context.Background())
		stopped := make(chan error, 1)
		go func() { stopped <- srv.Shutdown(ctx) }()
		p.read("the close frame")
		cancel()
		if err := got(t, stopped, "the end of Shutdown"); !errors.Is(err, context.Canceled) {
			t.Errorf("Shutdown: %v", err)
		}
		if _, err := p.in.ReadByte(); err == nil {
			t.Error("more came than the close frame")
		}
	})
}

func TestAcceptedConnectionsBelongToTheirServer(t *testing.T) {
	h := newHall(t, molva.AcceptOptions{})
	server, client := h.enter(t)
	go client.Read(context.Background())
	if err := h.Shutdown(inTime(t)); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	wantEnd(t, server.Err(), molva.CloseGoingAway, false)
	got(t, client.Done(), "the end")
	wantEnd(t, client.Err(), molva.CloseGoingAway, true)
}
