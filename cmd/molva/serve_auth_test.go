//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/handshake"
)

const (
	firstSecret  = "the first secret, of thirty-two bytes and more"
	secondSecret = "the second secret, of thirty-two bytes and more"
)

// token signs one for a user.
func token(t *testing.T, secret, user string, lives time.Duration, rooms ...string) string {
	t.Helper()
	claims := jwt.MapClaims{"sub": user, "exp": time.Now().Add(lives).Unix(), "rooms": rooms, "publish": rooms}
	signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// enter opens a connection, and returns the status of the answer if it is refused.
func (s *served) enter(query string, header http.Header) (*client, int) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	address := strings.Replace(s.url, "http", "ws", 1) + "/ws?" + query
	conn, response, err := molva.Dial(ctx, address, &molva.DialOptions{Header: header})
	var refused *handshake.ResponseError
	switch {
	case errors.As(err, &refused):
		return nil, response.StatusCode
	case err != nil:
		s.Fatal(err)
	}
	s.Cleanup(func() { conn.CloseNow() })
	return &client{s.T, conn}, http.StatusSwitchingProtocols
}

func (s *served) refuses(query string, header http.Header, want int) {
	s.Helper()
	if _, status := s.enter(query, header); status != want {
		s.Errorf("%s: status %d, want %d", query, status, want)
	}
}

func TestServeTakesTokensAndTheirRooms(t *testing.T) {
	path := file(t, `[auth.jwt]
secret = "`+firstSecret+`"
leeway = "0s"

[[rooms]]
room = "user.{user}"
join = "anyone"

[[rooms]]
room = "news"
join = "anyone"
publish = "nobody"
`)
	s := startServer(t, "--config", path)
	s.refuses("user=42", nil, 401)
	s.refuses("token="+token(t, secondSecret, "42", time.Hour), nil, 401)
	s.refuses("token="+token(t, firstSecret, "42", -time.Minute), nil, 401)
	c, _ := s.enter("token="+token(t, firstSecret, "42", time.Hour, "chat.*"), nil)
	if hello := c.next(); hello.User != "42" {
		t.Errorf("%+v", hello)
	}
	for i, r := range []struct {
		request string
		answer  string
	}{
		{`{"type":"join","room":"user.42"`, "ok"},
		{`{"type":"join","room":"user.43"`, "error"},
		{`{"type":"join","room":"chat.cats"`, "ok"},
		{`{"type":"join","room":"chess"`, "error"},
		{`{"type":"join","room":"news"`, "ok"},
		{`{"type":"publish","room":"news","data":1`, "error"},
		{`{"type":"send","user":"42","data":1`, "error"},
	} {
		c.conn.Write(t.Context(), textf(`%s,"ack":%d}`, r.request, i+1))
		if answer := c.next(); answer.Type != r.answer {
			t.Errorf("%s: %+v, want %s", r.request, answer, r.answer)
		}
	}
	metrics := get(t, s.url+"/metrics")
	for _, want := range []string{`molva_identity_admitted_total{by="jwt"} 1`, `molva_identity_refused_total{reason="bad_signature"} 1`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("%s is not in the metrics", want)
		}
	}
}

func TestReloadReplacesWhoMayComeInAndWhatTheyMay(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	rewrite(t, secret, firstSecret+"\n")
	path := file(t, "auth.jwt.secret_file = '"+secret+"'\n")
	s := startServer(t, "--config", path)
	c, _ := s.enter("token="+token(t, firstSecret, "42", time.Hour), nil)
	c.next()
	c.conn.Write(t.Context(), molva.Text(`{"type":"join","room":"news","ack":1}`))
	if answer := c.next(); answer.Type != "error" {
		t.Errorf("%+v", answer)
	}
	rewrite(t, secret, secondSecret+"\n")
	rewrite(t, path, "auth.jwt.secret_file = '"+secret+"'\nrooms = [{room = 'news', join = 'anyone'}]\n")
	r := molvaRun(t, "", "reload", "--socket", s.socket)
	r.wantsText(t, 0, "now              auth.jwt.secret_file: what was in it -> what is in it now\n", "")
	r.wantsText(t, 0, "now              rooms: [] -> ", "")
	c.say(`{"type":"join","room":"news","ack":2}`)
	s.refuses("token="+token(t, firstSecret, "42", time.Hour), nil, 401)
	s.refuses("token="+token(t, secondSecret, "42", time.Hour), nil, 101)

	rewrite(t, path, "drain = '3s'\n")
	r = molvaRun(t, "", "reload", "--socket", s.socket)
	r.wantsText(t, 0, "now              auth.jwt.secret_file", "")
	r.wantsText(t, 0, "now              drain: \"10s\" -> \"3s\"", "")
	s.refuses("user=42", nil, 101)

	rewrite(t, path, "auth.jwt.secret_file = '"+secret+"'\nrooms = [{room = 'news', join = 'anyone'}]\n")
	molvaRun(t, "", "reload", "--socket", s.socket).wantsText(t, 0, "now              auth.jwt.secret_file", "")
	s.refuses("user=42", nil, 401)
	c.say(`{"type":"join","room":"news","ack":3}`) // it has stayed all the while

	os.Remove(secret)
	rewrite(t, path, "auth.jwt.secret_file = '"+secret+"'\n")
	molvaRun(t, "", "reload", "--socket", s.socket).wantsText(t, 1, "", path+":1: auth.jwt.secret_file: "+secret+" cannot be read")
	s.refuses("token="+token(t, secondSecret, "42", time.Hour), nil, 101)
}

func TestServeAsksTheApplicationWhoItIs(t *testing.T) {
	var asked atomic.Int64
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		cookie, err := r.Cookie("session")
		if err != nil || len(r.CookiesNamed("other")) > 0 {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprintf(w, `{"user":%q,"rooms":["lobby"]}`, "user of "+cookie.Value)
	}))
	defer app.Close()
	s := startServer(t, "--app-url", app.URL, "--app-cookie", "session")
	c, _ := s.enter("", http.Header{"Cookie": {"session=abc; other=x"}})
	if hello := c.next(); hello.User != "user of abc" {
		t.Errorf("%+v", hello)
	}
	c.say(`{"type":"join","room":"lobby","ack":1}`)
	s.refuses("user=42", nil, 401)
	if n := asked.Load(); n != 2 {
		t.Errorf("it was asked %d times", n)
	}
	app.Close()
	s.refuses("", http.Header{"Cookie": {"session=new"}}, 503)
}

func TestServeIsOpenToOthersOnlyIfItKnowsWhoTheyAre(t *testing.T) {
	s := startServer(t, "--listen", "0.0.0.0:0", "--jwt-secret", firstSecret)
	if said := s.said(); strings.Contains(said, "as any user") || strings.Contains(said, firstSecret) {
		t.Error(said)
	}
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/healthz", nil)
	r.Host = "app.example.com"
	if status := statusOf(t, r); status != 200 {
		t.Errorf("by another name: %d", status)
	}
	u, _ := url.Parse(s.url)
	if hints := get(t, s.url+"/console/hints.json"); strings.Contains(hints, "socket") || strings.Contains(hints, `"open"`) {
		t.Errorf("%s %s", u.Host, hints)
	}
}
