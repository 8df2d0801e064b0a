package gateway_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/api"
)

func TestEveryCommandOnTheSocket(t *testing.T) {
	g := &gateway.Gateway{Keys: []string{testKey}}
	addr := open(t, g)
	p := connect(t, addr, "42")
	p.must(`{"type":"join","room":"r"`)
	unix := dialScript(t, "unix", openSocket(t, g))
	tcp := dialScript(t, "tcp", openSocketTCP(t, g))
	tcp.write(`{"command":"auth","key":"` + testKey + `"}` + "\n")
	if line := tcp.next(); line != `{"ok":true}`+"\n" {
		t.Fatalf("the key is answered with %s", line)
	}
	conn := `{"conn":"*","user":"42","address":"127.0.0.1","rooms":["r"],"since":0,"queued":0}`
	for _, s := range []*script{unix, tcp} {
		for _, test := range []struct{ say, want string }{
			{`{"user":"42","message":"hi"}`, `{"ok":true,"id":"*","time":0,"reached":1}`},
			{`{"command":"send","room":"r","message":{"a": "<é\u2028>"},"id":[1, 2]}`, `{"ok":true,"request":[1,2],"id":"*","time":0,"reached":1}`},
			{`{"all":true,"message":null}`, `{"ok":true,"id":"*","time":0,"reached":1}`},
			{`{"command":"online","user":"42"}`, `{"ok":true,"online":true,"conns":1}`},
			{`{"command":"conns"}`, `{"ok":true,"conns":[` + conn + `]}`},
			{`{"command":"rooms"}`, `{"ok":true,"rooms":[{"room":"r","conns":1,"users":1}]}`},
			{`{"command":"users","room":"r","limit":1}`, `{"ok":true,"users":[{"user":"42","conns":1}]}`},
			{`{"command":"disconnect","user":"nobody"}`, `{"ok":true,"closed":0}`},
			{` { "command" : "ping" } `, `{"ok":true,"time":0}`},
		} {
			s.write(test.say + "\r\n\n") // lines without anything are not answered
			if got := plain(strings.TrimSpace(s.next())); got != test.want {
				t.Errorf("%s\ngot  %s\nwant %s", test.say, got, test.want)
			}
		}
		s.write(`{"command":"stats"}` + "\n")
		if a := s.answer(); a.Stats == nil || a.Stats.Conns != 1 {
			t.Errorf("stats: %+v", a)
		}
		p.want(`{"type":"message","id":"*","user":"42","data":"hi","time":0}`,
			`{"type":"message","id":"*","room":"r","data":{"a": "<é\u2028>"},"time":0}`,
			`{"type":"message","id":"*","all":true,"data":null,"time":0}`)
	}
	unix.write(`{"command":"disconnect","user":"42","code":4000,"reason":"enough"}` + "\n")
	if a := unix.answer(); a.Closed == nil || *a.Closed != 1 {
		t.Errorf("disconnect: %+v", a)
	}
	p.wantClosed(4000)
}

func TestWrongLinesOnTheSocket(t *testing.T) {
	g := &gateway.Gateway{Limits: gateway.Limits{Message: 1000}}
	s := dialScript(t, "unix", openSocket(t, g))
	for _, test := range []struct {
		say  string
		want api.ErrorCode
	}{
		{`hello`, api.ErrBadJSON},
		{`GET / HTTP/1.1`, api.ErrBadJSON},
		{`[]`, api.ErrBadJSON},
		{`null`, api.ErrBadJSON},
		{`{"user":"42","message":"hi"`, api.ErrBadJSON},
		{`{"user":"42","message":"hi"} {}`, api.ErrBadJSON},
		{"{\"user\":\"\xff\",\"message\":1}", api.ErrBadJSON},
		{"{\"user\":\"42\",\"message\":\"a\x00b\"}", api.ErrBadJSON},
		{strings.Repeat(`[`, 100_000), api.ErrBadJSON},
		{`{"user":"42","message":` + strings.Repeat(`[`, 20_000) + strings.Repeat(`]`, 20_000) + `}`, api.ErrBadJSON},
		{`{"command":"auth","key":"` + testKey + `"}`, api.ErrBadCommand},
		{`{"command":"sned"}`, api.ErrBadCommand},
		{`{"command":"` + strings.Repeat("é", 1000) + `"}`, api.ErrBadCommand},
		{`{"command":7}`, api.ErrBadField},
		{`{"command":""}`, api.ErrBadField},
		{`{}`, api.ErrBadField},
		{`{"user":"a","user":"b","message":1}`, api.ErrBadField},
		{`{"User":"a","message":1}`, api.ErrBadField},
		{`{"user":["a"],"message":1}`, api.ErrBadField},
		{`{"user":"` + long + `","message":1}`, api.ErrBadField},
		{`{"user":"a\u0000","message":1}`, api.ErrBadField},
		{`{"user":"a","message":1,"` + strings.Repeat("x", 1000) + `":1}`, api.ErrBadField},
		{`{"all":"true","message":1}`, api.ErrBadField},
		{`{"command":"rooms","limit":99999999999999999999}`, api.ErrBadField},
		{`{"command":"disconnect","user":"a","code":-1}`, api.ErrBadField},
		{`{"user":"a","message":"` + strings.Repeat("m", 1000) + `"}`, api.ErrTooLarge},
		{`{"user":"a","message":"` + strings.Repeat("m", 3<<20) + `"}`, api.ErrTooLarge},
	} {
		go s.write(test.say + "\n")
		a := s.answer()
		if a.OK || a.Error != test.want || a.Message == "" || len(a.Message) > 500 {
			t.Errorf("%.80s: %+v; want %s", test.say, a, test.want)
		}
	}
	s.write(`{"command":"ping","id":"end"}` + "\n")
	if a := s.answer(); !a.OK || string(a.Request) != `"end"` {
		t.Errorf("in the end: %+v", a)
	}
}

func TestThousandsOfCommandsArePiped(t *testing.T) {
	g := &gateway.Gateway{WebSocket: molva.Server{Limits: molva.Limits{Outbox: 16 << 20}}} // for all, however slow it is read
	addr, path := open(t, g), openSocket(t, g)
	p := connect(t, addr, "42")
	s := dialScript(t, "unix", path)
	const commands = 20_000
	go func() {
		var all bytes.Buffer
		for i := range commands {
			fmt.Fprintf(&all, `{"user":"42","message":%d,"id":%d}`+"\n", i, i)
		}
		s.write(all.String())
	}()
	got := make(chan int)
	go func() {
		defer close(got)
		for i := range commands {
			var m struct{ Data int }
			if p.decode(&m); m.Data != i {
				t.Errorf("%d came in the place of %d", m.Data, i)
				return
			}
		}
	}()
	for i := range commands {
		if a := s.answer(); !a.OK || *a.Reached != 1 || string(a.Request) != fmt.Sprint(i) {
			t.Fatalf("answer %d: %+v", i, a)
		}
	}
	<-got
}

func TestAHalfClosedConnectionGetsItsAnswers(t *testing.T) {
	s := dialScript(t, "unix", openSocket(t, new(gateway.Gateway)))
	s.write(`{"command":"ping"}` + "\n" + `{"command":"ping","id":"without an end of line"}`)
	if err := s.Conn.(*net.UnixConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if first, second := s.answer(), s.answer(); !first.OK || string(second.Request) != `"without an end of line"` {
		t.Errorf("%+v, %+v", first, second)
	}
	s.wantEnd()
}

// TestWhoDoesNotReadIsNotReadFrom says commands and takes no answer: the server must stop to read, and hold little.
func TestWhoDoesNotReadIsNotReadFrom(t *testing.T) {
	g := &gateway.Gateway{WebSocket: molva.Server{Limits: unlimited}}
	addr, path := open(t, g), openSocket(t, g)
	for i := range 50 {
		connect(t, addr, fmt.Sprint(strings.Repeat("u", 100), i))
	}
	s := dialScript(t, "unix", path)
	line := []byte(strings.Repeat(`{"command":"conns","limit":1000}`+"\n", 1000))
	before := heap()
	s.SetWriteDeadline(time.Now().Add(2 * time.Second))
	written := 0
	for {
		n, err := s.Conn.Write(line)
		if written += n; err != nil {
			break
		}
		if written > 16<<20 {
			t.Fatal("it reads on and on")
		}
	}
	if grown := heap() - before; grown > 8<<20 {
		t.Errorf("%d bytes are held after %d bytes of commands", grown, written)
	}
	other := dialScript(t, "unix", path)
	other.write(`{"command":"ping"}` + "\n")
	if a := other.answer(); !a.OK {
		t.Errorf("another connection is answered with %+v", a)
	}
}

func TestTheSocketOnTCPWantsAKey(t *testing.T) {
	g := &gateway.Gateway{Keys: []string{"another key", testKey}}
	addr := openSocketTCP(t, g)
	for _, first := range []string{
		`{"command":"auth","key":"0123456789abcdee"}`,
		`{"command":"auth","key":""}`,
		`{"command":"auth"}`,
		`{"command":"ping"}`,
		`{"user":"42","message":1,"key":"` + testKey + `"}`,
		"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" + `{"command":"auth","key":"` + testKey + `"}`,
		strings.Repeat("k", 10_000),
		"",
	} {
		s := dialScript(t, "tcp", addr)
		s.write(first + "\n" + `{"command":"ping"}` + "\n")
		if a := s.answer(); a.OK || a.Error != api.ErrUnauthorized {
			t.Errorf("%.50q is answered with %+v", first, a)
		}
		s.wantEnd()
	}
	nobody := dialScript(t, "tcp", openSocketTCP(t, &gateway.Gateway{Keys: []string{""}}))
	nobody.write(`{"command":"auth","key":""}` + "\n")
	if a := nobody.answer(); a.Error != api.ErrUnauthorized {
		t.Errorf("without keys: %+v", a)
	}
}

func TestConnectionsToTheSocketAreCounted(t *testing.T) {
	const most = 1024
	path := openSocket(t, new(gateway.Gateway))
	all := make([]*script, most)
	for i := range all {
		all[i] = dialScript(t, "unix", path)
	}
	for _, s := range all {
		s.write(`{"command":"ping"}` + "\n")
		s.answer()
	}
	late := dialScript(t, "unix", path)
	if a := late.answer(); a.Error != api.ErrBusy {
		t.Errorf("one too many is answered with %+v", a)
	}
	late.Conn.(*net.UnixConn).CloseWrite()
	late.wantEnd()
	all[0].Close()
	if !within(func() bool {
		s := dialScript(t, "unix", path)
		s.write(`{"command":"ping"}` + "\n")
		defer s.Close()
		return s.answer().OK
	}) {
		t.Error("there is no place where one has gone")
	}
}

func TestWhatWasReadIsAnsweredWhenTheServerStops(t *testing.T) {
	g := new(gateway.Gateway)
	path := openSocket(t, g)
	s := dialScript(t, "unix", path)
	s.write(`{"command":"ping"}` + "\n" + `{"command":"ping"`)
	if a := s.answer(); !a.OK {
		t.Errorf("%+v", a)
	}
	if err := g.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	s.wantEnd()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is there after the end: %v", err)
	}
}
