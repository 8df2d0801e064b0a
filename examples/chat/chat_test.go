package main

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/molva-ws/molva"
)

// start serves a chat and returns its host and port.
func start(t *testing.T, grace time.Duration) (*molva.Server, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := newServer(grace)
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	return srv, l.Addr().String()
}

// client is a user without a page.
type client struct {
	t *testing.T
	*molva.Conn
}

// event is any message of the server.
type event struct {
	Type, Key, Text, Ref, Was, What, Reason string
	ID, Wait                                int64
	Gap                                     bool
	You, Who, From                          person
	People                                  []person
	Messages                                []said
}

// dial connects and says hello.
func dial(t *testing.T, addr string, hello request) (client, event) {
	t.Helper()
	conn, _, err := molva.Dial(t.Context(), "ws://"+addr+"/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.CloseNow)
	c := client{t, conn}
	hello.Type = typeHello
	c.send(string(encode(hello)))
	return c, c.expect("welcome")
}

func (c client) send(data string) {
	c.t.Helper()
	if err := c.Send(molva.Text(data)); err != nil {
		c.t.Fatal(err)
	}
}

// expect returns the next message, which has to be of the given type.
func (c client) expect(kind string) event {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	m, err := c.Read(ctx)
	if err != nil {
		c.t.Fatalf("waiting for %s: %v", kind, err)
	}
	var e event
	if err := json.Unmarshal(m.Data, &e); err != nil {
		c.t.Fatalf("%v: %s", err, m.Data)
	}
	if e.Type != kind {
		c.t.Fatalf("%s, want %s", m.Data, kind)
	}
	return e
}

func TestTwoUsersChat(t *testing.T) {
	_, addr := start(t, time.Minute)
	a, welcomed := dial(t, addr, request{})
	if welcomed.You.Name != "user #1" || len(welcomed.People) != 1 || welcomed.Messages == nil || len(welcomed.Messages) != 0 {
		t.Fatalf("%+v", welcomed)
	}
	b, welcomed := dial(t, addr, request{})
	if len(welcomed.People) != 2 || welcomed.People[0].Name != "user #1" {
		t.Fatalf("%+v", welcomed)
	}
	if e := a.expect("joined"); e.Who != (person{2, "user #2"}) {
		t.Fatalf("%+v", e)
	}

	b.send(`{"type":"name","name":"Борис"}`)
	for _, c := range []client{a, b} {
		if e := c.expect("renamed"); e.Who != (person{2, "Борис"}) || e.Was != "user #2" {
			t.Fatalf("%+v", e)
		}
	}

	const text = "<script>alert(1)</script>\nпривет 👋"
	b.send(string(encode(request{Type: typeSay, Text: text, Ref: "r1"})))
	for _, c := range []client{a, b} {
		if e := c.expect("said"); e.Text != text || e.From != (person{2, "Борис"}) || e.Ref != "r1" || e.ID == 0 {
			t.Fatalf("%+v", e)
		}
	}
	_, welcomed = dial(t, addr, request{})
	if len(welcomed.Messages) != 1 || welcomed.Messages[0].Text != text {
		t.Fatalf("a newcomer sees %+v", welcomed.Messages)
	}
}

func TestBadRequestsAreAnsweredAndTheConnectionStays(t *testing.T) {
	_, addr := start(t, time.Minute)
	c, _ := dial(t, addr, request{})
	for _, data := range []string{"nonsense", `{"type":"hello"}`, `{"type":"say","text":""}`} {
		c.send(data)
		if e := c.expect("refused"); e.Reason == "" {
			t.Fatalf("%s: %+v", data, e)
		}
	}
	c.send(`{"type":"say","text":"still here"}`)
	c.expect("said")
}

func TestNothingBeforeHello(t *testing.T) {
	_, addr := start(t, time.Minute)
	conn, _, err := molva.Dial(t.Context(), "ws://"+addr+"/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow()
	c := client{t, conn}
	c.send(`{"type":"say","text":"hi"}`)
	if e := c.expect("refused"); e.Reason != "Say hello first." {
		t.Fatalf("%+v", e)
	}
}

func TestFloodingIsRefusedAndExplained(t *testing.T) {
	_, addr := start(t, time.Minute)
	c, _ := dial(t, addr, request{})
	for range floodBurst { // all at once: in a second there would be time for one more
		c.send(`{"type":"say","text":"bla"}`)
	}
	c.send(`{"type":"say","text":"bla","ref":"6"}`)
	for range floodBurst {
		c.expect("said")
	}
	e := c.expect("refused")
	if !strings.Contains(e.Reason, "Try again in 1 second.") || e.Ref != "6" || e.Wait <= 0 || e.Wait > 1000 {
		t.Fatalf("%+v", e)
	}
}

func TestANameBelongsToOne(t *testing.T) {
	_, addr := start(t, time.Minute)
	a, _ := dial(t, addr, request{Name: "Anna"})
	b, welcomed := dial(t, addr, request{Name: "anna"})
	if welcomed.You.Name != "user #2" {
		t.Fatalf("%+v", welcomed.You)
	}
	a.expect("joined")
	b.send(`{"type":"name","name":"ANNA"}`)
	if e := b.expect("refused"); e.What != typeName || !strings.Contains(e.Reason, "ANNA already") {
		t.Fatalf("%+v", e)
	}
	a.send(`{"type":"name","name":"ANNA"}`) // her own, in capitals
	a.expect("renamed")
}

func TestWhoComesBackInTimeIsTheSame(t *testing.T) {
	_, addr := start(t, time.Minute)
	a, _ := dial(t, addr, request{Name: "Anna"})
	b, welcomed := dial(t, addr, request{Name: "Boris"})
	a.expect("joined")
	b.CloseNow()
	a.send(`{"type":"say","text":"missed"}`)
	missed := a.expect("said")

	_, back := dial(t, addr, request{User: welcomed.You.ID, Key: welcomed.Key, After: missed.ID - 1})
	if back.You != welcomed.You || len(back.Messages) != 1 || back.Messages[0].Text != "missed" {
		t.Fatalf("%+v", back)
	}
	a.send(`{"type":"say","text":"there you are"}`)
	a.expect("said") // and neither left nor joined before
}

func TestNobodyComesBackWithAWrongKey(t *testing.T) {
	_, addr := start(t, time.Minute)
	dial(t, addr, request{Name: "Anna"})
	_, welcomed := dial(t, addr, request{User: 1, Key: "guessed"})
	if welcomed.You.ID != 2 {
		t.Fatalf("%+v", welcomed.You)
	}
}

func TestWhoDoesNotComeBackHasLeft(t *testing.T) {
	_, addr := start(t, time.Millisecond)
	a, _ := dial(t, addr, request{})
	b, _ := dial(t, addr, request{})
	a.expect("joined")
	b.Close(molva.CloseNormal, "")
	if e := a.expect("left"); e.Who.ID != 2 {
		t.Fatalf("%+v", e)
	}
	_, welcomed := dial(t, addr, request{})
	if len(welcomed.People) != 2 || welcomed.You.ID != 3 {
		t.Fatalf("%+v", welcomed)
	}
}

func TestShutdownTellsClientsToGoAway(t *testing.T) {
	srv, addr := start(t, time.Minute)
	c, _ := dial(t, addr, request{})
	stopped := make(chan error, 1)
	go func() { stopped <- srv.Shutdown(t.Context()) }()
	_, err := c.Read(t.Context())
	var closed *molva.CloseError
	if !errors.As(err, &closed) || closed.Code != molva.CloseGoingAway {
		t.Fatal(err)
	}
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
}

func TestPageIsServedWithItsPolicy(t *testing.T) {
	_, addr := start(t, time.Minute)
	for path, kind := range map[string]string{
		"/": "text/html", "/style.css": "text/css", "/chat.js": "text/javascript", "/connection.js": "text/javascript",
		"/log.js": "text/javascript", "/molva.svg": "image/svg+xml",
	} {
		res, err := http.Get("http://" + addr + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), kind) {
			t.Errorf("%s: %s, %s", path, res.Status, res.Header.Get("Content-Type"))
		}
		if res.Header.Get("Content-Security-Policy") != policy {
			t.Errorf("%s: policy %q", path, res.Header.Get("Content-Security-Policy"))
		}
	}
}

func TestURLIsOneABrowserCanOpen(t *testing.T) {
	for addr, want := range map[string]string{
		"127.0.0.1:8000": "http://127.0.0.1:8000", "[::]:80": "http://localhost:80", "0.0.0.0:81": "http://localhost:81",
		"[::1]:82": "http://[::1]:82",
	} {
		tcp, err := net.ResolveTCPAddr("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		if got := pageURL(tcp); got != want {
			t.Errorf("%s: %s", addr, got)
		}
	}
}
