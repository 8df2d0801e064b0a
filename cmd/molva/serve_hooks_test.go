//go:build unix

package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/molva-ws/molva/gateway/hooks"
)

const hookSecret = "a secret between two programs"

// hooked is an application that is told what happens, and asked who may join.
type hooked struct {
	*httptest.Server
	events chan hooks.Event
}

func newHooked(t *testing.T) *hooked {
	t.Helper()
	app := &hooked{events: make(chan hooks.Event, 100)}
	app.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if err := hooks.Verify(hookSecret, r.Header.Get(hooks.SignatureHeader), body, time.Now(), time.Minute); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/ask" {
			var q hooks.Question
			json.Unmarshal(body, &q)
			io.WriteString(w, map[bool]string{true: `{"join":true}`, false: `{"join":false}`}[q.User == "42"])
			return
		}
		var batch hooks.Batch
		if err := json.Unmarshal(body, &batch); err != nil {
			t.Error(err)
		}
		for _, e := range batch.Events {
			app.events <- e
		}
		if batch.Events[0].Event == hooks.Connected && batch.Events[0].User == "42" {
			io.WriteString(w, `{"commands":[{"user":"42","message":"welcome"}]}`)
		}
	}))
	t.Cleanup(app.Close)
	return app
}

// hears waits for an event.
func (app *hooked) hears(t *testing.T, kind hooks.Kind, user string) {
	t.Helper()
	select {
	case e := <-app.events:
		if e.Event != kind || e.User != user {
			t.Errorf("%+v, want %s of %q", e, kind, user)
		}
	case <-time.After(patience):
		t.Fatalf("%s of %q is not told", kind, user)
	}
}

func TestServeTellsAndAsksTheApplication(t *testing.T) {
	app := newHooked(t)
	path := file(t, `[hooks]
url = "`+app.URL+`/events"
ask_url = "`+app.URL+`/ask"
secrets = ["`+hookSecret+`"]
events = ["connected", "disconnected", "joined"]

[[rooms]]
room = "lobby"
join = "ask"
`)
	s := startServer(t, "--config", path)
	c := s.connect("42")
	app.hears(t, hooks.Connected, "42")
	c.hears(`"welcome"`)
	c.say(`{"type":"join","room":"lobby","ack":1}`)
	app.hears(t, hooks.Joined, "42")
	other := s.connect("43")
	app.hears(t, hooks.Connected, "43")
	other.conn.Write(t.Context(), textf(`{"type":"join","room":"lobby","ack":1}`))
	if answer := other.next(); answer.Type != "error" {
		t.Errorf("%+v", answer)
	}
	metrics := get(t, s.url+"/metrics")
	for _, want := range []string{`molva_hooks_questions_total{result="yes"} 1`, `molva_hooks_questions_total{result="no"} 1`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("%s is not in the metrics", want)
		}
	}
	if strings.Contains(molvaRun(t, "", "config", "--config", path).out, hookSecret) {
		t.Error("the secret is printed")
	}
	c.conn.Close(1000, "")
	app.hears(t, hooks.Disconnected, "42")
	go other.conn.Read(t.Context()) // answers the close frame
	s.signal(syscall.SIGTERM)
	if code := s.wait(); code != 0 {
		t.Errorf("exit code %d: %s", code, s.said())
	}
	app.hears(t, hooks.Disconnected, "43") // told while it stops
}
