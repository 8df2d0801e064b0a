//go:build linux

package main

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway/hooks"
)

// rereads has the server read another file, which has to say that it takes effect.
func (s *served) rereads(path, text string) {
	s.Helper()
	rewrite(s.T, path, text)
	r := molvaRun(s.T, "", "reload", "--socket", s.socket)
	r.wantsText(s.T, 0, "now ", "")
	if strings.Contains(r.out, "restart") {
		s.Fatalf("%s", r.out)
	}
}

// wantsStatus opens a connection of a user and checks what the server answers.
func (s *served) wantsStatus(what, user string, header http.Header, status int) *client {
	s.Helper()
	c, got := from(s.T, visitor, strings.TrimPrefix(s.url, "http://"), "user="+user, header)
	if got != status {
		s.Fatalf("%s: %d, want %d", what, got, status)
	}
	return c
}

// TestReloadOfLimits changes one limit after the other while the first client stays, though it is over some of them.
func TestReloadOfLimits(t *testing.T) {
	path := file(t, "")
	s := startServer(t, "--config", path)
	first := s.wantsStatus("without limits", "1", nil, 101)
	second := s.wantsStatus("without limits", "1", nil, 101)
	s.rereads(path, "limits.conns = 2\n")
	s.wantsStatus("limits.conns", "2", nil, 503)
	s.rereads(path, "limits.conns_per_address = 1\n")
	s.wantsStatus("limits.conns_per_address", "2", nil, 429)
	s.rereads(path, "limits.conns_per_address = 1\nlimits.dry_run = true\n")
	s.wantsStatus("limits.dry_run", "2", nil, 101)
	s.rereads(path, "limits.conns_per_user = 2\n")
	s.wantsStatus("limits.conns_per_user", "1", nil, 429)
	s.rereads(path, "limits.handshakes = 0.001\nlimits.handshake_burst = 1\n")
	s.wantsStatus("limits.handshake_burst", "3", nil, 101)
	s.wantsStatus("limits.handshakes", "3", nil, 429)

	s.rereads(path, "limits.message = '100B'\nlimits.rooms = 1\n")
	third := s.wantsStatus("limits.message", "4", nil, 101)
	third.say(`{"type":"join","room":"a","ack":1}`)
	third.conn.Write(t.Context(), molva.Text(`{"type":"join","room":"b","ack":2}`))
	if answer := third.next(); answer.Type != "error" {
		t.Errorf("limits.rooms: %+v", answer)
	}
	long := molva.Text(`{"type":"ping","ack":3,"more":"` + strings.Repeat("x", 100) + `"}`)
	third.conn.Write(t.Context(), long)
	third.ends(molva.CloseMessageTooBig)
	first.say(string(long.Data)) // it has the limit that it came with
	s.rereads(path, "limits.messages = 0.001\nlimits.message_burst = 1\nlimits.fast = 'disconnect'\n")
	first.say(`{"type":"ping","ack":4}`)
	first.conn.Write(t.Context(), molva.Text(`{"type":"ping","ack":5}`))
	first.ends(molva.ClosePolicyViolation)
	second.say(`{"type":"ping","ack":1}`)
}

// ends waits for the server to close the connection.
func (c *client) ends(code molva.CloseCode) {
	c.Helper()
	for {
		if _, err := c.conn.Read(c.Context()); err != nil {
			var closed *molva.CloseError
			if !errors.As(err, &closed) || closed.Code != code {
				c.Fatalf("it ended with %v, want %d", err, code)
			}
			return
		}
	}
}

func TestReloadOfTrustedProxies(t *testing.T) {
	path := file(t, "")
	s := startServer(t, "--config", path)
	real := http.Header{"X-Real-Ip": {"192.0.2.1"}, "X-Forwarded-For": {"192.0.2.1"}}
	for _, step := range []struct{ user, file, address string }{
		{"a", "", visitor},
		{"b", "trusted_proxies = ['" + visitor + "']\n", "192.0.2.1"},
		{"c", "trusted_proxies = ['" + visitor + "']\nproxy_header = 'X-Client'\n", visitor},
		{"d", "trusted_proxies = ['127.0.0.200']\n", visitor},
	} {
		if step.file != "" {
			s.rereads(path, step.file)
		}
		s.wantsStatus(step.file, step.user, real, 101)
		if got := s.addressOf(step.user); got != step.address {
			t.Errorf("with %q the client is at %s, want %s", step.file, got, step.address)
		}
	}
	s.rereads(path, "trusted_proxies = ['"+visitor+"']\nproxy_protocol = true\n")
	s.wantsStatus("without a PROXY protocol header", "e", nil, 400)
}

// TestReloadOfHooks moves from one application to another, with other secrets and kinds of events, to none and back.
func TestReloadOfHooks(t *testing.T) {
	first, second := newHooked(t), newHooked(t)
	section := func(app *hooked, more string) string {
		return "[hooks]\nurl = '" + app.URL + "/events'\nsecrets = ['" + hookSecret + "']\n" + more
	}
	path := file(t, "")
	s := startServer(t, "--config", path)
	c := s.connect("1")
	s.rereads(path, section(first, "events = ['joined', 'left']"))
	c.say(`{"type":"join","room":"a","ack":1}`)
	first.hears(t, hooks.Joined, "1")
	s.rereads(path, section(second, "events = ['left', 'connected']"))
	c.say(`{"type":"join","room":"b","ack":2}`) // is not told any more
	c.say(`{"type":"leave","room":"b","ack":3}`)
	second.hears(t, hooks.Left, "1")
	s.rereads(path, "")
	c.say(`{"type":"leave","room":"a","ack":4}`) // is not told at all
	s.rereads(path, section(first, "rooms = ['c']\nevents = ['joined']"))
	c.say(`{"type":"join","room":"a","ack":5}`)
	c.say(`{"type":"join","room":"c","ack":6}`)
	first.hears(t, hooks.Joined, "1")
	waitFor(t, func() bool {
		return strings.Contains(get(t, s.url+"/metrics"), `molva_hooks_events_total{result="sent"} 3`)
	})
}

// TestReloadDoesNotOpenTheServerToOthers takes away what says who may come in where other machines can connect.
func TestReloadDoesNotOpenTheServerToOthers(t *testing.T) {
	path := file(t, "[auth.jwt]\nsecret = '"+firstSecret+"'\n")
	s := startServer(t, "--listen", "0.0.0.0:0", "--config", path)
	rewrite(t, path, "")
	molvaRun(t, "", "reload", "--socket", s.socket).wantsText(t, 1, "", "anyone there could connect as any user")
	s.refuses("user=42", nil, 401)
	s.rereads(path, "open = true\n")
	s.refuses("user=42", nil, 101)
	rewrite(t, path, "open = false\n")
	molvaRun(t, "", "reload", "--socket", s.socket).wantsText(t, 1, "", "anyone there could connect as any user")
}
