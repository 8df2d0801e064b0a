package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/api"
	"github.com/molva-ws/molva/handshake"
)

func TestHello(t *testing.T) {
	addr := open(t, &gateway.Gateway{})
	const limits = `"limits":{"message":65536,"rooms":100,"name":128,"rate":50},"time":0}`
	dialAs(t, addr, "42").want(`{"type":"hello","protocol":1,"conn":"*","user":"42",` + limits)
	dialAs(t, addr, "").want(`{"type":"hello","protocol":1,"conn":"*",` + limits)
	dialAs(t, addr, "%22%5C").want(`{"type":"hello","protocol":1,"conn":"*","user":"\"\\",` + limits)
}

func TestHelloTellsTheLimitsThatWereSet(t *testing.T) {
	addr := open(t, &gateway.Gateway{
		Limits:    gateway.Limits{Rooms: 3, Name: 10},
		WebSocket: molva.Server{Limits: molva.Limits{Message: -1, Messages: 0.5}},
	})
	dialAs(t, addr, "").want(`{"type":"hello","protocol":1,"conn":"*",` +
		`"limits":{"message":0,"rooms":3,"name":10,"rate":0.5},"time":0}`)
}

func TestWhoIsRefused(t *testing.T) {
	addr := open(t, &gateway.Gateway{})
	for _, test := range []struct {
		name, path  string
		subprotocol string
		status      int
	}{
		{"another path", "/chat", "", http.StatusNotFound},
		{"a path below", "/ws/1", "", http.StatusNotFound},
		{"other subprotocols", "/ws", "chat", http.StatusBadRequest},
		{"a reserved name", "/ws?user=$me", "", http.StatusBadRequest},
		{"a name that is too long", "/ws?user=" + strings.Repeat("a", 129), "", http.StatusBadRequest},
		{"a name with a control character", "/ws?user=a%0Ab", "", http.StatusBadRequest},
		{"a name that is no UTF-8", "/ws?user=%ff", "", http.StatusBadRequest},
	} {
		t.Run(test.name, func(t *testing.T) {
			opts := new(molva.DialOptions)
			if test.subprotocol != "" {
				opts.Subprotocols = []string{test.subprotocol}
			}
			c, _, err := molva.Dial(t.Context(), "ws://"+addr+test.path, opts)
			if err == nil {
				c.CloseNow()
			}
			var refused *handshake.ResponseError
			if !errors.As(err, &refused) || refused.Status != test.status {
				t.Errorf("got %v; want status %d", err, test.status)
			}
		})
	}
}

func TestTheSubprotocolIsAgreedOn(t *testing.T) {
	addr := open(t, &gateway.Gateway{})
	c, _, err := molva.Dial(t.Context(), "ws://"+addr+"/ws", &molva.DialOptions{Subprotocols: []string{"chat", "molva.v1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseNow()
	if c.Subprotocol() != "molva.v1" {
		t.Errorf("the subprotocol is %q", c.Subprotocol())
	}
}

// long is a name of 129 bytes.
var long = strings.Repeat("n", 129)

func TestEveryMessage(t *testing.T) {
	const (
		joined    = `{"type":"ok","ack":1,"room":"r","users":[{"user":"me","conns":1}]}`
		errorBody = `"message":"*"}`
	)
	join := `{"type":"join","room":"r","ack":1}`
	for _, test := range []struct {
		name string
		say  []string
		want []string
	}{
		{"join", []string{join}, []string{joined}},
		{"join without ack", []string{`{"type":"join","room":"r"}`}, nil},
		{"join twice", []string{join, `{"type":"join","room":"r","ack":2,"presence":true}`},
			[]string{joined, `{"type":"ok","ack":2,"room":"r","users":[{"user":"me","conns":1}]}`}},
		{"join a name with all that must be escaped", []string{`{"type":"join","room":"\"\\\u00e9\ud83d\ude00","ack":1}`},
			[]string{`{"type":"ok","ack":1,"room":"\"\\\u00e9\ud83d\ude00","users":[{"user":"me","conns":1}]}`}},
		{"join nothing", []string{`{"type":"join","ack":1}`}, []string{`{"type":"error","ack":1,"code":"bad_field",` + errorBody}},
		{"join a number", []string{`{"type":"join","room":7}`}, []string{`{"type":"error","code":"bad_field",` + errorBody}},
		{"join null", []string{`{"type":"join","room":null}`}, []string{`{"type":"error","code":"bad_field",` + errorBody}},
		{"join the empty name", []string{`{"type":"join","room":""}`}, []string{`{"type":"error","code":"bad_field",` + errorBody}},
		{"join a long name", []string{`{"type":"join","room":"` + long + `"}`}, []string{`{"type":"error","code":"bad_field",` + errorBody}},
		{"join a control character", []string{`{"type":"join","room":"a\u0000"}`}, []string{`{"type":"error","code":"bad_field",` + errorBody}},
		{"join with odd presence", []string{`{"type":"join","room":"r","presence":1}`}, []string{`{"type":"error","code":"bad_field",` + errorBody}},
		{"join a reserved name", []string{`{"type":"join","room":"$x","ack":1}`}, []string{`{"type":"error","ack":1,"code":"forbidden",` + errorBody}},
		{"join $stats without console", []string{`{"type":"join","room":"$stats","ack":1}`}, []string{`{"type":"error","ack":1,"code":"forbidden",` + errorBody}},

		{"leave", []string{join, `{"type":"leave","room":"r","ack":2}`, `{"type":"publish","room":"r","data":1,"ack":3}`},
			[]string{joined, `{"type":"ok","ack":2,"room":"r"}`, `{"type":"error","ack":3,"code":"not_joined",` + errorBody}},
		{"leave what was not joined", []string{`{"type":"leave","room":"r","ack":1}`}, []string{`{"type":"ok","ack":1,"room":"r"}`}},
		{"leave nothing", []string{`{"type":"leave"}`}, []string{`{"type":"error","code":"bad_field",` + errorBody}},

		{"publish", []string{join, `{"type":"publish","room":"r","data":"hi","ack":2}`},
			[]string{joined, `{"type":"ok","ack":2,"id":"*","time":0,"reached":0}`}},
		{"publish with echo", []string{join, `{"type":"publish","room":"r","data":{"a": [1,"\u2028\n", {}]},"echo":true,"ack":2}`},
			[]string{joined, `{"type":"message","id":"*","room":"r","from":"me","data":{"a": [1,"\u2028\n", {}]},"time":0}`,
				`{"type":"ok","ack":2,"id":"*","time":0,"reached":1}`}},
		{"publish null", []string{join, `{"type":"publish","room":"r","data":null,"echo":true}`},
			[]string{joined, `{"type":"message","id":"*","room":"r","from":"me","data":null,"time":0}`}},
		{"publish without data", []string{join, `{"type":"publish","room":"r","ack":2}`},
			[]string{joined, `{"type":"error","ack":2,"code":"bad_field",` + errorBody}},
		{"publish with odd echo", []string{join, `{"type":"publish","room":"r","data":1,"echo":"yes"}`},
			[]string{joined, `{"type":"error","code":"bad_field",` + errorBody}},
		{"publish nowhere", []string{`{"type":"publish","data":1}`}, []string{`{"type":"error","code":"bad_field",` + errorBody}},
		{"publish to an impossible name", []string{`{"type":"publish","room":"","data":1}`}, []string{`{"type":"error","code":"bad_field",` + errorBody}},
		{"publish to a reserved name", []string{`{"type":"publish","room":"$stats","data":1}`}, []string{`{"type":"error","code":"forbidden",` + errorBody}},
		{"publish without joining", []string{`{"type":"publish","room":"r","data":1}`}, []string{`{"type":"error","code":"not_joined",` + errorBody}},

		{"send", []string{`{"type":"send","user":"me","data":1,"ack":1}`},
			[]string{`{"type":"message","id":"*","user":"me","from":"me","data":1,"time":0}`, `{"type":"ok","ack":1,"id":"*","time":0,"reached":1}`}},
		{"send to nobody", []string{`{"type":"send","user":"you","data":1,"ack":1}`}, []string{`{"type":"ok","ack":1,"id":"*","time":0,"reached":0}`}},
		{"send without user", []string{`{"type":"send","data":1}`}, []string{`{"type":"error","code":"bad_field",` + errorBody}},
		{"send without data", []string{`{"type":"send","user":"me"}`}, []string{`{"type":"error","code":"bad_field",` + errorBody}},
		{"send to a reserved name", []string{`{"type":"send","user":"$me","data":1}`}, []string{`{"type":"error","code":"forbidden",` + errorBody}},

		{"presence", []string{join, `{"type":"presence","room":"r","ack":2}`},
			[]string{joined, `{"type":"ok","ack":2,"room":"r","users":[{"user":"me","conns":1}]}`}},
		{"presence without joining", []string{`{"type":"presence","room":"r","ack":1}`}, []string{`{"type":"error","ack":1,"code":"not_joined",` + errorBody}},
		{"presence nowhere", []string{`{"type":"presence"}`}, []string{`{"type":"error","code":"bad_field",` + errorBody}},

		{"renew", []string{`{"type":"renew","token":"t","ack":1}`}, []string{`{"type":"error","ack":1,"code":"unsupported",` + errorBody}},
		{"ping", []string{`{"type":"ping","ack":9007199254740991}`}, []string{`{"type":"ok","ack":9007199254740991,"time":0}`}},
		{"ping without ack", []string{`{"type":"ping"}`}, nil},
		{"unknown fields", []string{`{"x":{"type":"join"},"type":"ping","ack":1,"position":[]}`}, []string{`{"type":"ok","ack":1,"time":0}`}},
		{"space around everything", []string{" \t\r\n{ \"type\" : \"ping\" , \"ack\" : 1 } \n"}, []string{`{"type":"ok","ack":1,"time":0}`}},
		{"escapes in names of fields", []string{`{"typ\u0065":"p\u0069ng","ack":1}`}, []string{`{"type":"ok","ack":1,"time":0}`}},
		{"the last of two", []string{`{"type":"join","ack":1,"type":"ping"}`}, []string{`{"type":"ok","ack":1,"time":0}`}},
		{"names of fields are exact", []string{`{"Type":"ping"}`}, []string{`{"type":"error","code":"bad_field",` + errorBody}},

		{"no type", []string{`{}`}, []string{`{"type":"error","code":"bad_field",` + errorBody}},
		{"a type that is no string", []string{`{"type":["ping"]}`}, []string{`{"type":"error","code":"bad_field",` + errorBody}},
		{"an unknown type", []string{`{"type":"\u0007\"é","ack":5}`}, []string{`{"type":"error","ack":5,"code":"bad_type",` + errorBody}},
		{"not JSON", []string{`hello`, `[1]`, `"ping"`, `{"type":"ping"`, `{"type":"ping"}{}`, `nul`, ``, `{"type":"a` + "\n" + `"}`},
			[]string{`{"type":"error","code":"bad_json",` + errorBody, `{"type":"error","code":"bad_json",` + errorBody,
				`{"type":"error","code":"bad_json",` + errorBody, `{"type":"error","code":"bad_json",` + errorBody,
				`{"type":"error","code":"bad_json",` + errorBody, `{"type":"error","code":"bad_json",` + errorBody,
				`{"type":"error","code":"bad_json",` + errorBody, `{"type":"error","code":"bad_json",` + errorBody}},

		{"a replayed ack", []string{`{"type":"ping","ack":7}`, `{"type":"send","user":"me","data":1,"ack":7}`, `{"type":"ping","ack":8}`},
			[]string{`{"type":"ok","ack":7,"time":0}`, `{"type":"error","ack":7,"code":"bad_ack",` + errorBody, `{"type":"ok","ack":8,"time":0}`}},
		{"a smaller ack", []string{`{"type":"ping","ack":7}`, `{"type":"ping","ack":6}`},
			[]string{`{"type":"ok","ack":7,"time":0}`, `{"type":"error","ack":6,"code":"bad_ack",` + errorBody}},
		{"an ack of a refused message counts", []string{`{"type":"x","ack":7}`, `{"type":"ping","ack":7}`},
			[]string{`{"type":"error","ack":7,"code":"bad_type",` + errorBody, `{"type":"error","ack":7,"code":"bad_ack",` + errorBody}},
		{"acks that are none", []string{`{"type":"ping","ack":0}`, `{"type":"ping","ack":-1}`, `{"type":"ping","ack":1.5}`,
			`{"type":"ping","ack":1e3}`, `{"type":"ping","ack":"1"}`, `{"type":"ping","ack":null}`, `{"type":"ping","ack":9007199254740992}`,
			`{"type":"ping","ack":18446744073709551617}`, `{"type":"ping","ack":[1]}`},
			[]string{`{"type":"error","code":"bad_ack",` + errorBody, `{"type":"error","code":"bad_ack",` + errorBody,
				`{"type":"error","code":"bad_ack",` + errorBody, `{"type":"error","code":"bad_ack",` + errorBody,
				`{"type":"error","code":"bad_ack",` + errorBody, `{"type":"error","code":"bad_ack",` + errorBody,
				`{"type":"error","code":"bad_ack",` + errorBody, `{"type":"error","code":"bad_ack",` + errorBody,
				`{"type":"error","code":"bad_ack",` + errorBody}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := connect(t, open(t, new(gateway.Gateway)), "me")
			for _, text := range test.say {
				p.say(text)
			}
			p.want(test.want...)
			if !strings.Contains(test.name, "9007") && test.name != "ping" {
				p.ack = 100
				p.wantNothing()
			}
		})
	}
}

func TestMessagesReachThoseTheyAreFor(t *testing.T) {
	g := new(gateway.Gateway)
	addr := open(t, g)
	a1, a2, b, nobody := connect(t, addr, "a"), connect(t, addr, "a"), connect(t, addr, "b"), connect(t, addr, "")
	for _, p := range []*peer{a1, a2, b, nobody} {
		p.must(`{"type":"join","room":"r"`)
	}
	if answer := a1.must(`{"type":"publish","room":"r","data":[1]`); !strings.HasSuffix(answer, `"reached":3}`) {
		t.Errorf("publish: %s", answer)
	}
	for _, p := range []*peer{a2, b, nobody} {
		p.want(`{"type":"message","id":"*","room":"r","from":"a","data":[1],"time":0}`)
	}
	nobody.must(`{"type":"publish","room":"r","data":2`)
	b.must(`{"type":"send","user":"a","data":3`)
	if answer := do(g, api.Command{All: true, Message: []byte("4")}); *answer.Reached != 4 {
		t.Errorf("all: %+v", answer)
	}
	do(g, api.Command{Room: "r", Message: []byte("5")})
	do(g, api.Command{User: "b", Message: []byte("6")})
	for _, p := range []*peer{a1, a2} {
		p.want(`{"type":"message","id":"*","room":"r","data":2,"time":0}`)
		p.want(`{"type":"message","id":"*","user":"a","from":"b","data":3,"time":0}`)
	}
	b.must(`{"type":"ping"`) // skips what came from nobody, 4, 5 and 6
	for _, p := range []*peer{a1, a2, nobody} {
		p.want(`{"type":"message","id":"*","all":true,"data":4,"time":0}`)
		p.want(`{"type":"message","id":"*","room":"r","data":5,"time":0}`)
		p.wantNothing()
	}
}

func TestRules(t *testing.T) {
	secret := errors.New("the database says no")
	g := &gateway.Gateway{Rules: gateway.Rules{
		Join: func(c *gateway.Client, room string) error {
			if room == "closed" && c.User() == "me" && c.Value() == "value" {
				return secret
			}
			return nil
		},
		Publish: func(_ *gateway.Client, room string, _ []byte) error {
			if room == "quiet" {
				return &gateway.ClientError{Code: api.ErrBusy, Message: "not now"}
			}
			return nil
		},
		Send: func(*gateway.Client, string, []byte) error { return &gateway.ClientError{Message: "no letters"} },
		Presence: func(_ *gateway.Client, room string) error {
			if room == "dark" {
				return secret
			}
			return nil
		},
	}}
	g.Identify = func(u *molva.Upgrade) error {
		u.User, u.Value = "me", "value"
		return nil
	}
	p := connect(t, open(t, g), "")
	for _, test := range []struct{ say, want string }{
		{`{"type":"join","room":"closed"`, `"code":"forbidden","message":"you may not do that"}`},
		{`{"type":"join","room":"quiet"`, `"room":"quiet","users":[{"user":"me","conns":1}]}`},
		{`{"type":"publish","room":"quiet","data":1`, `"code":"busy","message":"not now"}`},
		{`{"type":"send","user":"you","data":1`, `"code":"forbidden","message":"no letters"}`},
		{`{"type":"join","room":"dark","presence":true`, `"code":"forbidden","message":"you may not do that"}`},
		{`{"type":"presence","room":"dark"`, `"code":"not_joined","message":"join the room first"}`},
		{`{"type":"join","room":"dark"`, `"room":"dark"}`},
		{`{"type":"presence","room":"dark"`, `"code":"forbidden","message":"you may not do that"}`},
		{`{"type":"publish","room":"other","data":1`, `"code":"not_joined","message":"join the room first"}`},
	} {
		if _, answer := p.ask(test.say); !strings.HasSuffix(answer, test.want) {
			t.Errorf("%s} is answered with %s", test.say, answer)
		}
	}
}

func TestRulesMayLetThoseOutsideIn(t *testing.T) {
	g := &gateway.Gateway{Rules: gateway.Rules{Unjoined: true}, Console: true}
	addr := open(t, g)
	inside, outside := connect(t, addr, "in"), connect(t, addr, "out")
	inside.must(`{"type":"join","room":"r","presence":true`)
	if answer := outside.must(`{"type":"publish","room":"r","data":1,"echo":true`); !strings.HasSuffix(answer, `"reached":1}`) {
		t.Errorf("publish: %s", answer)
	}
	inside.want(`{"type":"message","id":"*","room":"r","from":"out","data":1,"time":0}`)
	if answer := outside.must(`{"type":"presence","room":"r"`); !strings.HasSuffix(answer, `"users":[{"user":"in","conns":1}]}`) {
		t.Errorf("presence: %s", answer)
	}
	if answer := outside.must(`{"type":"presence","room":"empty"`); !strings.HasSuffix(answer, `"users":[]}`) {
		t.Errorf("presence: %s", answer)
	}
	if _, answer := outside.ask(`{"type":"presence","room":"$stats"`); !strings.Contains(answer, `"not_joined"`) {
		t.Errorf("presence: %s", answer)
	}
}

func TestIdentifyRefuses(t *testing.T) {
	for _, test := range []struct {
		name     string
		identify func(*molva.Upgrade) error
		status   int
	}{
		{"with a refusal", func(*molva.Upgrade) error { return &molva.Refusal{Status: 401, Reason: "who?"} }, 401},
		{"with an error", func(*molva.Upgrade) error { return errors.New("the database is away") }, 403},
		{"by a name that cannot be", func(u *molva.Upgrade) error { u.User = "a\nb"; return nil }, 400},
	} {
		t.Run(test.name, func(t *testing.T) {
			addr := open(t, &gateway.Gateway{Identify: test.identify})
			_, response, err := molva.Dial(t.Context(), "ws://"+addr+"/ws", nil)
			if err == nil || response == nil || response.StatusCode != test.status {
				t.Errorf("got %v; want status %d", err, test.status)
			}
		})
	}
}

func TestRenew(t *testing.T) {
	g := &gateway.Gateway{Renew: func(c *gateway.Client, token string) (time.Time, error) {
		switch token {
		case "good":
			return time.Now().Add(time.Hour), nil
		case "eternal":
			return time.Time{}, nil
		case "short":
			return time.Now().Add(5 * time.Second), nil
		case "shortest":
			return time.Now().Add(200 * time.Millisecond), nil
		}
		return time.Time{}, errors.New("bad signature")
	}}
	p := connect(t, open(t, g), "")
	for _, test := range []struct{ say, want string }{
		{`{"type":"renew"`, `{"type":"error","ack":1,"code":"bad_field","message":"*"}`},
		{`{"type":"renew","token":""`, `{"type":"error","ack":2,"code":"bad_field","message":"*"}`},
		{`{"type":"renew","token":"bad"`, `{"type":"error","ack":3,"code":"forbidden","message":"*"}`},
		{`{"type":"renew","token":"good"`, `{"type":"ok","ack":4,"expires":0}`},
		{`{"type":"renew","token":"eternal"`, `{"type":"ok","ack":5}`},
		{`{"type":"renew","token":"short"`, `{"type":"ok","ack":6,"expires":0}`},
		{`{"type":"renew","token":"good"`, `{"type":"ok","ack":7,"expires":0}`},
		{`{"type":"renew","token":"shortest"`, `{"type":"ok","ack":8,"expires":0}`},
	} {
		if _, answer := p.ask(test.say); plain(answer) != test.want {
			t.Errorf("%s} is answered with %s", test.say, answer)
		}
	}
	p.wantClosed(4401)
}

func TestDataPassesAsItStands(t *testing.T) {
	g := new(gateway.Gateway)
	p := connect(t, open(t, g), "me")
	p.must(`{"type":"join","room":"r"`)
	for _, data := range []string{
		`1E+2`, `-0.0`, `"\u00e9é\/\ud83d"`, "\"\u2028\u2029\"", "{ \"a\" :\n\t1,\"a\":2 }", `[[],{}]`, `true`, `""`, `{"time":0,"type":"x"}`,
	} {
		p.say(`{"type":"publish","room":"r","echo":true,"data":` + data + `,"room":"r"}`)
		got := p.read()
		if !strings.Contains(got, `"data":`+data+`,"time":`) || !json.Valid([]byte(got)) {
			t.Errorf("%s becomes %s", data, got)
		}
		answer := g.Do(context.Background(), &api.Command{Room: "r", Message: json.RawMessage(data)})
		if got := p.read(); !strings.Contains(got, `"data":`+data+`,"time":`) || !answer.OK {
			t.Errorf("%s becomes %s", data, got)
		}
	}
}
