package rules_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/api"
	"github.com/molva-ws/molva/gateway/rules"
)

// patience is how long a test waits for what should come at once. It only passes when something hangs.
const patience = time.Minute

// grants are what the clients of these tests are granted, by user.
func grants(c *gateway.Client) rules.Grant {
	switch c.User() {
	case "friend":
		return rules.Grant{Join: []string{"club.*", "***"}, Publish: []string{"club.open", "user.{user}"}}
	case "admin":
		return rules.Grant{Join: []string{"**", "$stats"}, Publish: []string{"**"}}
	}
	return rules.Grant{}
}

// serve serves a gateway with rules until the test ends.
func serve(t *testing.T, s *rules.Set) (url string) {
	t.Helper()
	g := &gateway.Gateway{
		Rules:     s.Rules(),
		Console:   true,
		WebSocket: molva.Server{Limits: molva.Limits{Messages: -1, Bytes: -1}},
	}
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
		<-served
	})
	return "ws://" + l.Addr().String() + "/ws"
}

// client is one under the control of a test.
type client struct {
	*testing.T
	*molva.Conn
	ack int
}

func connect(t *testing.T, url, user string) *client {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, _, err := molva.Dial(ctx, url+"?user="+user, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseNow)
	return &client{T: t, Conn: c}
}

// ask says something, a message without its closing brace, and returns the code of the error, or "ok".
func (c *client) ask(open string) string {
	c.Helper()
	c.ack++
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.Write(ctx, molva.Text(fmt.Sprintf(`%s,"ack":%d}`, open, c.ack))); err != nil {
		c.Fatal(err)
	}
	for {
		m, err := c.Read(ctx)
		if err != nil {
			c.Fatal(err)
		}
		text := m.String()
		if strings.HasPrefix(text, fmt.Sprintf(`{"type":"ok","ack":%d`, c.ack)) {
			return "ok"
		}
		if rest, ok := strings.CutPrefix(text, fmt.Sprintf(`{"type":"error","ack":%d,"code":"`, c.ack)); ok {
			code, _, _ := strings.Cut(rest, `"`)
			return code
		}
	}
}

func (c *client) join(room string) string {
	return c.ask(fmt.Sprintf(`{"type":"join","room":%q`, room))
}
func (c *client) publish(room, data string) string {
	return c.ask(fmt.Sprintf(`{"type":"publish","room":%q,"data":%s`, room, data))
}
func (c *client) send(user string) string {
	return c.ask(fmt.Sprintf(`{"type":"send","user":%q,"data":1`, user))
}
func (c *client) presence(room string) string {
	return c.ask(fmt.Sprintf(`{"type":"presence","room":%q`, room))
}

func newSet(t *testing.T, o rules.Options, from rules.Sources) *rules.Set {
	t.Helper()
	s, err := rules.New(o, from)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWhoMayDoWhat(t *testing.T) {
	s := newSet(t, rules.Options{Rules: []rules.Rule{
		{Room: "user.{user}", Join: rules.Anyone},
		{Room: "chat.*", Join: rules.Anyone, Publish: rules.Anyone, Presence: true, Direct: true, Message: 10},
		{Room: "news.**", Join: rules.Anyone, Publish: rules.Nobody},
		{Room: "closed", Join: rules.Nobody},
	}}, rules.Sources{Granted: grants})
	url := serve(t, s)
	for _, tt := range []struct{ user, say, want string }{
		{"stranger", "join user.stranger", "ok"},
		{"stranger", "join user.friend", "forbidden"},
		{"stranger", "join chat.cats", "ok"},
		{"stranger", "join chat.cats.old", "forbidden"},
		{"stranger", "join club.open", "forbidden"},
		{"stranger", "join $stats", "forbidden"},
		{"stranger", "join closed", "forbidden"},
		{"stranger", "publish user.stranger", "forbidden"},
		{"stranger", "publish chat.cats", "ok"},
		{"stranger", "presence chat.cats", "ok"},
		{"stranger", "presence user.stranger", "forbidden"},
		{"friend", "join club.open", "ok"},
		{"friend", "join club.back", "ok"},
		{"friend", "join other", "forbidden"},
		{"friend", "publish club.open", "ok"},
		{"friend", "publish club.back", "forbidden"},
		{"friend", "join user.friend", "ok"},
		{"friend", "publish user.friend", "ok"},
		{"admin", "join closed", "forbidden"},
		{"admin", "join any.thing", "ok"},
		{"admin", "join $stats", "ok"},
		{"admin", "join news.of.today", "ok"},
		{"admin", "publish news.of.today", "forbidden"},
		{"", "join user.", "forbidden"},
		{"", "join chat.cats", "ok"},
	} {
		c := connect(t, url, tt.user)
		verb, room, _ := strings.Cut(tt.say, " ")
		if verb != "join" {
			c.join(room)
		}
		var got string
		switch verb {
		case "join":
			got = c.join(room)
		case "publish":
			got = c.publish(room, "1")
		case "presence":
			got = c.presence(room)
		}
		if got != tt.want {
			t.Errorf("%q, %s: %s; want %s", tt.user, tt.say, got, tt.want)
		}
	}
}

func TestMessagesAreBounded(t *testing.T) {
	s := newSet(t, rules.Options{Rules: []rules.Rule{
		{Room: "small", Join: rules.Anyone, Publish: rules.Anyone, Message: 10},
		{Room: "slow", Join: rules.Anyone, Publish: rules.Anyone, Rate: 1.0 / 3600, Burst: 2},
	}}, rules.Sources{})
	c := connect(t, serve(t, s), "a")
	c.join("small")
	c.join("slow")
	for _, tt := range []struct{ room, data, want string }{
		{"small", `"12345678"`, "ok"},
		{"small", `"123456789"`, "too_large"},
		{"slow", `"123456789"`, "ok"},
		{"slow", `1`, "ok"},
		{"slow", `1`, "too_fast"},
		{"small", `1`, "ok"},
	} {
		if got := c.publish(tt.room, tt.data); got != tt.want {
			t.Errorf("%s in %s: %s; want %s", tt.data, tt.room, got, tt.want)
		}
	}
}

func TestDirectMessages(t *testing.T) {
	met := rules.Options{Rules: []rules.Rule{
		{Room: "chat.*", Join: rules.Anyone, Direct: true},
		{Room: "news", Join: rules.Anyone},
	}}
	s := newSet(t, met, rules.Sources{})
	url := serve(t, s)
	a, b := connect(t, url, "a"), connect(t, url, "b")
	check := func(want string) {
		t.Helper()
		if got := a.send("b"); got != want {
			t.Errorf("send: %s; want %s", got, want)
		}
	}
	check("forbidden")
	a.join("news")
	b.join("news")
	check("forbidden") // that is no room for it
	a.join("chat.x")
	b.join("chat.y")
	check("forbidden")
	a.join("chat.y")
	check("ok")
	b.ask(`{"type":"leave","room":"chat.y"`)
	check("forbidden")
	if err := s.Replace(rules.Options{Direct: rules.Anyone}); err != nil {
		t.Fatal(err)
	}
	check("ok")
}

func TestApplicationIsAsked(t *testing.T) {
	type question struct{ user, room string }
	asked := make(chan question, 10)
	s := newSet(t, rules.Options{
		AskTimeout: 500 * time.Millisecond,
		Rules:      []rules.Rule{{Room: "shop.*", Join: rules.Ask}},
	}, rules.Sources{AskJoin: func(ctx context.Context, c *gateway.Client, room string) error {
		asked <- question{c.User(), room}
		switch room {
		case "shop.open":
			return nil
		case "shop.slow":
			<-ctx.Done()
			return ctx.Err()
		}
		return &gateway.ClientError{Code: api.ErrBusy, Message: "closed for today"}
	}})
	c := connect(t, serve(t, s), "a")
	for _, tt := range []struct{ room, want string }{
		{"shop.open", "ok"}, {"shop.shut", "busy"}, {"shop.slow", "forbidden"},
	} {
		if got := c.join(tt.room); got != tt.want {
			t.Errorf("%s: %s; want %s", tt.room, got, tt.want)
		}
		if got := <-asked; got != (question{"a", tt.room}) {
			t.Errorf("asked about %+v", got)
		}
	}
	if c.join("elsewhere"); len(asked) > 0 {
		t.Error("asked about a room that is not for asking")
	}
}

func TestReplaceRefusesBadRulesAsAWhole(t *testing.T) {
	good := rules.Options{Rules: []rules.Rule{{Room: "r", Join: rules.Anyone}}}
	s := newSet(t, good, rules.Sources{})
	c := connect(t, serve(t, s), "a")
	bad := rules.Options{Rules: []rules.Rule{{Room: "r", Join: rules.Nobody}, {Room: "r"}, {Room: "s", Join: rules.Ask}}}
	err := s.Replace(bad)
	if !errors.Is(err, rules.ErrDuplicate) || !errors.Is(err, rules.ErrSetting) {
		t.Errorf("Replace: %v", err)
	}
	var one *rules.Error
	if !errors.As(err, &one) || one.Index != 1 {
		t.Errorf("the first error is %+v", one)
	}
	if got := c.join("r"); got != "ok" {
		t.Errorf("after a refused change: %s", got)
	}
	if err := s.Replace(rules.Options{}); err != nil {
		t.Fatal(err)
	}
	if got := c.join("r"); got != "forbidden" {
		t.Errorf("after a change: %s", got)
	}
	if _, err := rules.New(bad, rules.Sources{}); !errors.Is(err, rules.ErrDuplicate) {
		t.Errorf("New: %v", err)
	}
}

// TestReplaceWhileClientsAsk lets rules change under the feet of clients: each answer is by one set or the other.
func TestReplaceWhileClientsAsk(t *testing.T) {
	open := rules.Options{Rules: []rules.Rule{{Room: "r", Join: rules.Anyone, Publish: rules.Anyone}}}
	s := newSet(t, open, rules.Sources{})
	c := connect(t, serve(t, s), "a")
	c.join("r")
	var done atomic.Bool
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for !done.Load() {
			s.Replace(rules.Options{})
			s.Replace(open)
		}
	}()
	counts := make(map[string]int)
	for range 500 {
		counts[c.publish("r", "1")]++
	}
	done.Store(true)
	<-stopped
	if counts["ok"]+counts["forbidden"] != 500 {
		t.Errorf("answers: %v", counts)
	}
}

func TestSlowIsThatOfTheFirstRuleForAnyUser(t *testing.T) {
	s := newSet(t, rules.Options{Rules: []rules.Rule{
		{Room: "user.{user}", Slow: rules.SlowDropOldest},
		{Room: "user.**", Slow: rules.SlowRefuse},
		{Room: "price.*", Slow: rules.SlowLatest},
	}}, rules.Sources{})
	for room, want := range map[string]rules.Slow{
		"user.42": rules.SlowDropOldest, "user.a.b": rules.SlowDropOldest, "price.eur": rules.SlowLatest, "lobby": "", "user.": "",
	} {
		if got := s.Slow(room); got != want {
			t.Errorf("%s: %q; want %q", room, got, want)
		}
	}
	if got := s.Rules().Slow("price.eur"); got != molva.SlowKeepLatest {
		t.Errorf("the gateway is told %v", got)
	}
	if got := s.Of("user.42", "7"); got.Slow != rules.SlowRefuse || got.Join != rules.Granted {
		t.Errorf("the rule for 7 is %+v", got)
	}
}
