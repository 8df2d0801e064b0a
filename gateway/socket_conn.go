package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/molva-ws/molva/gateway/api"
	"github.com/molva-ws/molva/gateway/internal/command"
	"github.com/molva-ws/molva/gateway/internal/keyring"
)

// answerBurst is how many bytes of answers share a system call, roughly. More are not gathered: who does not read them
// is not read from.
const answerBurst = 64 << 10

// socketConn answers commands on a connection. It holds a small read buffer while it waits for them.
type socketConn struct {
	gateway *Gateway
	nc      net.Conn
	lines   lineReader
	answers *answerLines // not written yet; nil if there are none
	command api.Command
}

// serve returns nil when the client has said everything and got its answers.
func (c *socketConn) serve() error {
	c.lines.beforeRead = c.flush
	for {
		line, err := c.lines.next()
		switch {
		case err == errLineTooLong:
			c.say(api.Refusedf(api.ErrTooLarge, "the line has more than %d bytes; it was skipped", command.MaxBytes))
			c.gateway.heard.command(doorSocket, "other", api.ErrTooLarge)
		case err == io.EOF || errors.Is(err, os.ErrDeadlineExceeded):
			return c.flush()
		case err != nil:
			return err
		case len(bytes.TrimSpace(line)) > 0:
			c.obey(line)
		}
		if c.answers != nil && c.answers.Len() >= answerBurst {
			if err := c.flush(); err != nil {
				return err
			}
		}
	}
}

// obey carries out the command on a line.
func (c *socketConn) obey(line []byte) {
	if refusal := command.Decode(line, &c.command); refusal != nil {
		name := c.command.Command
		if refusal.Error == api.ErrBadJSON {
			name = "other"
		}
		c.gateway.heard.command(doorSocket, name, refusal.Error)
		c.say(refusal)
		return
	}
	c.say(c.gateway.perform(context.Background(), doorSocket, &c.command))
}

// answerPool lends memory for answers, so that a connection that waits holds none.
var answerPool = sync.Pool{New: func() any { return newAnswerLines() }}

func (c *socketConn) say(a *api.Answer) {
	if c.answers == nil {
		c.answers = answerPool.Get().(*answerLines)
	}
	c.answers.add(c.gateway, a)
}

// flush writes the answers that have gathered.
func (c *socketConn) flush() error {
	if c.answers == nil {
		return nil
	}
	_, err := c.nc.Write(c.answers.Bytes())
	if c.answers.Cap() <= 2*answerBurst {
		c.answers.Reset()
		answerPool.Put(c.answers)
	}
	c.answers = nil
	return err
}

// authenticate reads the first line, which must have a key. That it comes first keeps web pages out: a browser can be
// made to send lines to any port of its own machine, but not without a line of HTTP before them.
func (c *socketConn) authenticate(keys keyring.Ring) *api.Answer {
	if len(keys) == 0 {
		return api.Refusedf(api.ErrUnauthorized,
			"this server has no key, so nobody may say commands here; set one and start again")
	}
	c.nc.SetReadDeadline(time.Now().Add(authTime))
	c.lines.limit = authBytes
	line, err := c.lines.next()
	c.lines.limit = command.MaxBytes
	var auth struct{ Command, Key string }
	if err != nil || json.Unmarshal(line, &auth) != nil || auth.Command != "auth" {
		return api.Refusedf(api.ErrUnauthorized, `the first line must be {"command":"auth","key":"KEY"}`)
	}
	if !keys.Opens(auth.Key) {
		return api.Refusedf(api.ErrUnauthorized, "this key is not one of this server's")
	}
	c.nc.SetReadDeadline(time.Time{})
	c.say(&api.Answer{OK: true})
	return nil
}

// authBytes bounds the line with the key.
const authBytes = 4 << 10
