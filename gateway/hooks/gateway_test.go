package hooks_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/hooks"
	"github.com/molva-ws/molva/gateway/rules"
)

// patience is how long a test waits for what should come at once. It only passes when something hangs.
const patience = time.Minute

// site is a gateway whose application is a handler of the test.
type site struct {
	*testing.T
	gateway *gateway.Gateway
	hooks   *hooks.Hooks
	url     string
}

// newSite serves both until the test ends.
func newSite(t *testing.T, o hooks.Options, application http.HandlerFunc) *site {
	t.Helper()
	web := httptest.NewServer(application)
	t.Cleanup(web.Close)
	s := &site{T: t, gateway: &gateway.Gateway{Logger: slog.New(slog.DiscardHandler)}}
	o.URL, o.AskURL, o.Secrets = web.URL+"/events", web.URL+"/ask", []string{secret}
	o.Do, o.Logger = s.gateway.Do, s.gateway.Logger
	var err error
	if s.hooks, err = hooks.New(o); err != nil {
		t.Fatal(err)
	}
	s.gateway.Observer = s.hooks.Observer()
	set, err := rules.New(rules.Options{Direct: rules.Anyone, Rules: []rules.Rule{
		{Room: "shop.*", Join: rules.Ask},
		{Room: "**", Join: rules.Anyone, Publish: rules.Anyone},
	}}, rules.Sources{AskJoin: s.hooks.AskJoin})
	if err != nil {
		t.Fatal(err)
	}
	s.gateway.Rules = set.Rules()
	s.serve()
	return s
}

func (s *site) serve() {
	s.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.gateway.Serve(l) }()
	s.url = "ws://" + l.Addr().String() + "/ws"
	s.Cleanup(func() {
		s.shut()
		<-served
	})
}

// shut ends the gateway, then the hooks.
func (s *site) shut() {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.gateway.Shutdown(ctx); err != nil {
		s.Errorf("gateway: %v", err)
	}
	if err := s.hooks.Shutdown(ctx); err != nil {
		s.Errorf("hooks: %v", err)
	}
}

// connect opens a connection of a user.
func (s *site) connect(user string) *molva.Conn {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, _, err := molva.Dial(ctx, s.url+"?user="+user, nil)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(c.CloseNow)
	return c
}

// until reads messages until one begins so, and returns it.
func (s *site) until(c *molva.Conn, beginning string) string {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		m, err := c.Read(ctx)
		if err != nil {
			s.Fatalf("instead of %s: %v", beginning, err)
		}
		if strings.HasPrefix(m.String(), beginning) {
			return m.String()
		}
	}
}

// say sends what a client says, and waits for the answer.
func (s *site) say(c *molva.Conn, text string) {
	s.Helper()
	if err := c.Send(molva.Text(text)); err != nil {
		s.Fatal(err)
	}
	s.until(c, `{"type":"ok"`)
}

func TestWhatTheApplicationIsTold(t *testing.T) {
	told := make(chan hooks.Event, 100)
	s := newSite(t, hooks.Options{Events: []hooks.Kind{
		hooks.Connected, hooks.Disconnected, hooks.Joined, hooks.Left, hooks.Occupied, hooks.Vacated, hooks.Message,
	}}, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if err := hooks.Verify(secret, r.Header.Get(hooks.SignatureHeader), body, time.Now(), time.Minute); err != nil {
			t.Error(err)
		}
		var b hooks.Batch
		if err := json.Unmarshal(body, &b); err != nil || r.Method != "POST" || r.URL.Path != "/events" {
			t.Errorf("%s %s, %v: %s", r.Method, r.URL, err, body)
		}
		for _, e := range b.Events {
			told <- e
		}
	})
	a := s.connect("a")
	s.say(a, `{"type":"join","room":"r","ack":1}`)
	s.say(a, `{"type":"publish","room":"r","data":{"<b>":"кот"},"ack":2}`)
	s.say(a, `{"type":"send","user":"a","data":1,"ack":3}`)
	s.say(a, `{"type":"leave","room":"r","ack":4}`)
	a.Close(4001, "bye")
	var got []string
	ids := make(map[string]bool)
	for len(got) < 8 {
		select {
		case e := <-told:
			got = append(got, plain(t, e))
			ids[e.ID] = true
		case <-time.After(patience):
			t.Fatalf("only %q was told", got)
		}
	}
	want := []string{
		`{"event":"connected","user":"a","address":"127.0.0.1"}`,
		`{"event":"occupied","room":"r"}`,
		`{"event":"joined","user":"a","room":"r"}`,
		`{"event":"message","user":"a","room":"r","data":{"<b>":"кот"},"reached":0}`,
		`{"event":"message","user":"a","to":"a","data":1,"reached":1}`,
		`{"event":"left","user":"a","room":"r"}`,
		`{"event":"vacated","room":"r"}`,
		`{"event":"disconnected","user":"a","code":4001,"reason":"bye"}`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if len(ids) != len(want) {
		t.Errorf("the ids are not unique: %v", ids)
	}
}

// plain returns an event without what differs from run to run, which has to be there.
func plain(t *testing.T, e hooks.Event) string {
	if e.ID == "" || time.Since(time.UnixMilli(e.Time)).Abs() > time.Minute {
		t.Errorf("%+v has no id, or another time", e)
	}
	if ofRoom := e.Event == hooks.Occupied || e.Event == hooks.Vacated; (e.Conn == "") != ofRoom {
		t.Errorf("%+v has a connection, or none", e)
	}
	if (e.Message != "") != (e.Event == hooks.Message) {
		t.Errorf("%+v has the id of a message, or none", e)
	}
	e.ID, e.Time, e.Conn, e.Message = "", 0, "", ""
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(e); err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(strings.TrimSpace(b.String()), `"id":"",`, "", 1)
	return strings.Replace(text, `,"time":0`, "", 1)
}

func TestAnswersCarryCommands(t *testing.T) {
	s := newSite(t, hooks.Options{Events: []hooks.Kind{hooks.Connected}}, func(w http.ResponseWriter, r *http.Request) {
		var b hooks.Batch
		if err := json.NewDecoder(r.Body).Decode(&b); err != nil {
			t.Error(err)
		}
		fmt.Fprintf(w, `{"and":"more","commands":[
			{"command":"join","conn":%q,"room":"team"},
			{"command":"stats"}, {"command":"join"}, 7, null, {"usr":"a","message":1},
			{"room":"team","message":"welcome"},
			{"command":"disconnect","user":"a","code":4001,"reason":"that is all"}]}`, b.Events[0].Conn)
	})
	a := s.connect("a")
	if got := s.until(a, `{"type":"message"`); !strings.Contains(got, `"room":"team","data":"welcome"`) {
		t.Error(got)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var closed *molva.CloseError
	if _, err := a.Read(ctx); !errors.As(err, &closed) || closed.Code != 4001 {
		t.Errorf("instead of the end: %v", err)
	}
	s.shut()
	if st := s.hooks.Stats(); st.Commands != 3 || st.CommandErrors != 5 || st.BadAnswers != 0 {
		t.Errorf("%+v", st)
	}
}

func TestAnswersThatMakeNoSense(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a redirect was followed")
	}))
	defer elsewhere.Close()
	for _, tt := range []struct {
		name   string
		answer func(w http.ResponseWriter)
		bad    bool // counts as such
		taken  bool
	}{
		{"nothing", func(w http.ResponseWriter) {}, false, true},
		{"204", func(w http.ResponseWriter) { w.WriteHeader(204) }, false, true},
		{"space", func(w http.ResponseWriter) { io.WriteString(w, " \r\n") }, false, true},
		{"an empty object", func(w http.ResponseWriter) { io.WriteString(w, "{}") }, false, true},
		{"as long as it may be", func(w http.ResponseWriter) {
			io.WriteString(w, "{}"+strings.Repeat(" ", 64<<10-2))
		}, false, true},
		{"a byte longer", func(w http.ResponseWriter) {
			io.WriteString(w, "{}"+strings.Repeat(" ", 64<<10-1))
		}, true, true},
		{"a page", func(w http.ResponseWriter) { io.WriteString(w, "<html>\xff") }, true, true},
		{"null", func(w http.ResponseWriter) { io.WriteString(w, "null") }, true, true},
		{"an array", func(w http.ResponseWriter) { io.WriteString(w, "[]") }, true, true},
		{"two objects", func(w http.ResponseWriter) { io.WriteString(w, "{}{}") }, true, true},
		{"half an object", func(w http.ResponseWriter) { io.WriteString(w, `{"commands":[`) }, true, true},
		{"no list", func(w http.ResponseWriter) { io.WriteString(w, `{"commands":7}`) }, true, true},
		{"many", func(w http.ResponseWriter) {
			io.WriteString(w, `{"commands":[0`+strings.Repeat(",0", 1000)+`]}`)
		}, true, true},
		{"no end", func(w http.ResponseWriter) {
			for range 1 << 12 {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
			t.Error("a quarter of a gigabyte was read")
		}, true, true},
		{"a redirect", func(w http.ResponseWriter) {
			w.Header().Set("Location", elsewhere.URL)
			w.WriteHeader(http.StatusTemporaryRedirect)
		}, false, false},
		{"it breaks off", func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "{")
		}, false, false},
		{"it hangs up", func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var first sync.Once
			web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				io.Copy(io.Discard, r.Body)
				first.Do(func() { tt.answer(w) })
			}))
			defer web.Close()
			h, err := hooks.New(hooks.Options{
				URL: web.URL, Secrets: []string{secret}, MaxAnswer: 64 << 10, RetryFirst: time.Millisecond,
				Logger: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				t.Fatal(err)
			}
			h.Observer().Occupied("r")
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			if err := h.Shutdown(ctx); err != nil {
				t.Error(err)
			}
			s := h.Stats()
			if (s.BadAnswers == 1) != tt.bad || (s.RequestErrors == 0) != tt.taken || s.Sent != 1 || s.Commands != 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestAskJoin(t *testing.T) {
	release := make(chan struct{})
	s := newSite(t, hooks.Options{Timeout: 5 * time.Second}, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path != "/ask" {
			return
		}
		if err := hooks.Verify(secret, r.Header.Get(hooks.SignatureHeader), body, time.Now(), time.Minute); err != nil {
			t.Error(err)
		}
		var q hooks.Question
		if err := json.Unmarshal(body, &q); err != nil || q.Ask != "join" || q.User != "a" || q.Conn == "" || q.Address == "" {
			t.Errorf("%v: %s", err, body)
		}
		switch q.Room {
		case "shop.open":
			io.WriteString(w, `{"join":true}`)
		case "shop.shut":
			io.WriteString(w, `{"join":false}`)
		case "shop.members":
			io.WriteString(w, `{"join":false,"message":"members only"}`)
		case "shop.403":
			w.WriteHeader(http.StatusForbidden)
		case "shop.500":
			w.WriteHeader(http.StatusInternalServerError)
		case "shop.long":
			fmt.Fprintf(w, `{"join":false,"message":%q}`, strings.Repeat("x", 501))
		case "shop.slow":
			select {
			case <-release:
			case <-r.Context().Done():
			}
		case "shop.nonsense":
			io.WriteString(w, `{"join":"true"}`)
		}
	})
	defer close(release)
	a := s.connect("a")
	for i, tt := range []struct{ room, want string }{
		{"open", `{"type":"ok"`},
		{"shut", `"forbidden","message":"you may not join this room"`},
		{"members", `"forbidden","message":"members only"`},
		{"403", `"forbidden"`},
		{"500", `"busy"`},
		{"long", `"busy"`},
		{"slow", `"busy"`},
		{"nonsense", `"busy"`},
		{"silence", `"busy"`}, // an empty 200 is neither yes nor no
	} {
		text := fmt.Sprintf(`{"type":"join","room":"shop.%s","ack":%d}`, tt.room, i+1)
		if err := a.Send(molva.Text(text)); err != nil {
			t.Fatal(err)
		}
		beginning := fmt.Sprintf(`{"type":"error","ack":%d`, i+1)
		if i == 0 {
			beginning = tt.want
		}
		if got := s.until(a, beginning); !strings.Contains(got, tt.want) {
			t.Errorf("%s: %s; want %s", tt.room, got, tt.want)
		}
	}
	if st := s.hooks.Stats(); st.Asked != 9 || st.AskRefused != 3 || st.AskErrors != 5 {
		t.Errorf("%+v", st)
	}
}
