package identity_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway"
	"github.com/molva-ws/molva/gateway/identity"
)

// patience is how long a test waits for what should come at once. It only passes when something hangs.
const patience = time.Minute

// serve serves a gateway whose clients the chain identifies, and returns the address for a WebSocket.
func (f *fixture) serve(rules gateway.Rules) string {
	f.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	g := &gateway.Gateway{Identify: f.Identify, Renew: f.Renew, Rules: rules, Logger: f.log.logger()}
	served := make(chan error, 1)
	go func() { served <- g.Serve(l) }()
	f.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		g.Shutdown(ctx)
		if err := <-served; err != molva.ErrServerClosed {
			f.Errorf("Serve: %v", err)
		}
	})
	return "ws://" + l.Addr().String() + "/ws"
}

// peer is a client under the control of a test.
type peer struct {
	testing.TB
	*molva.Conn
}

func dial(t testing.TB, url string, o *molva.DialOptions) (*peer, *http.Response, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c, response, err := molva.Dial(ctx, url, o)
	if err != nil {
		return nil, response, err
	}
	t.Cleanup(c.CloseNow)
	return &peer{t, c}, response, nil
}

// connect opens a connection with a token. What it is granted comes with each room that it joins; the first it has.
func (f *fixture) connect(token string) (p *peer, granted <-chan *identity.Grant) {
	f.Helper()
	grants := make(chan *identity.Grant, 8)
	url := f.serve(gateway.Rules{Join: func(c *gateway.Client, _ string) error {
		grants <- identity.GrantOf(c)
		return nil
	}})
	p, _, err := dial(f, url+"?token="+token, nil)
	if err != nil {
		f.Fatal(err)
	}
	p.read()
	p.ask(`{"type":"join","room":"news","ack":1}`)
	return p, grants
}

// read returns the next message.
func (p *peer) read() (m message) {
	p.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	raw, err := p.Read(ctx)
	if err != nil {
		p.Fatalf("instead of a message: %v", err)
	}
	if err := json.Unmarshal(raw.Data, &m); err != nil {
		p.Fatal(err)
	}
	return m
}

// isGreeted reports whether it was let in, rather than told by a close code why not.
func (p *peer) isGreeted() bool {
	p.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := p.Read(ctx)
	var end *molva.CloseError
	if err != nil && (!errors.As(err, &end) || !end.ByPeer) {
		p.Fatal(err)
	}
	return err == nil
}

// message is one of the server's.
type message struct {
	Type, User, Code string
	Room             string
	Message          string
	Expires          int64
}

func (p *peer) ask(text string) message {
	p.Helper()
	if err := p.Send(molva.Text(text)); err != nil {
		p.Fatal(err)
	}
	return p.read()
}

// wantEnd reads until the connection ends.
func (p *peer) wantEnd(code molva.CloseCode, reason string) {
	p.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		if _, err := p.Read(ctx); err != nil {
			var end *molva.CloseError
			if !errors.As(err, &end) || end.Code != code || !strings.Contains(end.Reason, reason) {
				p.Fatalf("ended by %v; want %d, %s", err, code, reason)
			}
			return
		}
	}
}

func TestNobodyElseWaitsForASlowApplication(t *testing.T) {
	asked, release := make(chan struct{}, 32), make(chan struct{})
	o := asking(nil)
	o.JWT.Secret = theSecret
	f := start(t, o, func(*http.Request) (*http.Response, error) {
		asked <- struct{}{}
		<-release
		return answer(200, `{"user":"43"}`), nil
	})
	url := f.serve(gateway.Rules{})
	p, _, err := dial(t, url+"?token="+hs256(t, nil), nil)
	if err != nil {
		t.Fatal(err)
	}
	p.read()
	opened := make(chan error, cap(asked))
	for i := range cap(asked) {
		go func() {
			o := molva.DialOptions{Header: http.Header{"Cookie": {fmt.Sprint("session=", i)}}}
			_, _, err := dial(t, url, &o)
			opened <- err
		}()
	}
	for range cap(asked) {
		<-asked
	}
	if a := p.ask(`{"type":"ping","ack":1}`); a.Type != "ok" {
		t.Errorf("answered with %+v", a)
	}
	close(release)
	for range cap(asked) {
		if err := <-opened; err != nil {
			t.Error(err)
		}
	}
}
