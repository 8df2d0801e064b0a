package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/api"
)

// patience is how long a test waits for what should come at once. It only passes when something hangs.
const patience = time.Minute

// open serves g on a port of its own until the test ends, and returns its address.
func open(t testing.TB, g *gateway.Gateway) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- g.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := g.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		if err := <-served; err != molva.ErrServerClosed {
			t.Errorf("Serve: %v", err)
		}
	})
	return l.Addr().String()
}

// unlimited are the limits of a server whose clients may say as much as they like.
var unlimited = molva.Limits{Messages: -1, Bytes: -1}

// peer is a client under the control of a test.
type peer struct {
	testing.TB
	*molva.Conn
	id  string
	ack int
}

// connect opens a connection of a user and reads hello.
func connect(t testing.TB, addr, user string) *peer {
	t.Helper()
	p := dialAs(t, addr, user)
	var hello struct{ Type, Conn string }
	p.decode(&hello)
	if hello.Type != "hello" || hello.Conn == "" {
		t.Fatalf("the first message is %+v", hello)
	}
	p.id = hello.Conn
	return p
}

// dialAs opens a connection and reads nothing.
func dialAs(t testing.TB, addr, user string) *peer {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	url := "ws://" + addr + "/ws"
	if user != "" {
		url += "?user=" + user
	}
	c, _, err := molva.Dial(ctx, url, &molva.DialOptions{
		Limits:   molva.Limits{Outbox: 128 << 10},
		Timeouts: molva.Timeouts{Handshake: patience},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseNow)
	return &peer{TB: t, Conn: c}
}

func (p *peer) say(text string) {
	p.Helper()
	if err := p.Send(molva.Text(text)); err != nil {
		p.Fatal(err)
	}
}

// read returns the next message.
func (p *peer) read() string {
	p.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	m, err := p.Read(ctx)
	if err != nil {
		p.Fatalf("instead of a message: %v", err)
	}
	return m.String()
}

func (p *peer) decode(v any) {
	p.Helper()
	text := p.read()
	if err := json.Unmarshal([]byte(text), v); err != nil {
		p.Fatalf("%q: %v", text, err)
	}
}

// ask says something, a message without its closing brace, and returns what has come until the answer, that included.
func (p *peer) ask(open string) (before []string, answer string) {
	p.Helper()
	p.ack++
	p.say(fmt.Sprintf(`%s,"ack":%d}`, open, p.ack))
	mark := fmt.Sprintf(`"ack":%d`, p.ack)
	for {
		text := p.read()
		if strings.HasPrefix(text, `{"type":"ok",`+mark) || strings.HasPrefix(text, `{"type":"error",`+mark) {
			return before, text
		}
		before = append(before, text)
	}
}

// must asks for something that has to be done.
func (p *peer) must(open string) (answer string) {
	p.Helper()
	_, answer = p.ask(open)
	if !strings.HasPrefix(answer, `{"type":"ok"`) {
		p.Fatalf("%s is answered with %s", open, answer)
	}
	return answer
}

// want reads messages and holds them against what they should be, see plain.
func (p *peer) want(want ...string) {
	p.Helper()
	for _, w := range want {
		if got := plain(p.read()); got != w {
			p.Fatalf("got  %s\nwant %s", got, w)
		}
	}
}

// wantNothing sees to it that everything was read that came for what was said so far.
func (p *peer) wantNothing() {
	p.Helper()
	if before, _ := p.ask(`{"type":"ping"`); len(before) > 0 {
		p.Fatalf("there came, too: %q", before)
	}
}

// wantClosed reads until the connection ends and holds the end against a code.
func (p *peer) wantClosed(code molva.CloseCode) {
	p.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		if _, err := p.Read(ctx); err != nil {
			var closed *molva.CloseError
			if !errors.As(err, &closed) || closed.Code != code || !closed.ByPeer {
				p.Fatalf("closed by %v; want %v", err, code)
			}
			return
		}
	}
}

var (
	someID   = regexp.MustCompile(`"id":"[0-9a-z]+-[0-9a-z]+"`)
	someConn = regexp.MustCompile(`"conn":"c[0-9a-z]+-[0-9a-z]+"`)
	someTime = regexp.MustCompile(`"(time|since|expires)":\d{13}`)
	someWait = regexp.MustCompile(`"queued":\d+`)
	someText = regexp.MustCompile(`"message":"([^"\\]|\\.)+"}$`)
)

// plain replaces what differs from run to run, and the sentence of an error.
func plain(text string) string {
	text = someID.ReplaceAllString(text, `"id":"*"`)
	text = someConn.ReplaceAllString(text, `"conn":"*"`)
	text = someTime.ReplaceAllString(text, `"$1":0`)
	text = someWait.ReplaceAllString(text, `"queued":0`)
	if strings.HasPrefix(text, `{"type":"error"`) {
		text = someText.ReplaceAllString(text, `"message":"*"}`)
	}
	return text
}

// within waits until ok, for what nothing announces, and reports whether it came to be in time.
func within(ok func() bool) bool {
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(2 * time.Millisecond)
	}
	return true
}

func do(g *gateway.Gateway, c api.Command) *api.Answer { return g.Do(context.Background(), &c) }

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// heap returns how many bytes are in use after a collection.
func heap() int64 {
	var stats runtime.MemStats
	for range 2 { // what lies in a pool survives one
		runtime.GC()
	}
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
