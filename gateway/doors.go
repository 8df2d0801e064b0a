package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"runtime/debug"

	"github.com/molva-ws/molva/gateway/api"
	"github.com/molva-ws/molva/internal/rawjson"
)

// door is a way by which commands come in.
type door uint8

const (
	doorHTTP door = iota
	doorSocket
	doors // how many there are
)

func (d door) String() string { return [...]string{"http", "socket"}[d] }

// perform carries out a command that came through a door. A bug in one command must not end the server.
func (g *Gateway) perform(ctx context.Context, from door, c *api.Command) (a *api.Answer) {
	defer func() {
		if v := recover(); v != nil {
			g.log.Error("command panicked", "command", c.Command, "panic", v, "stack", string(debug.Stack()))
			a = internalError()
			a.Request = c.ID
		}
		g.heard.command(from, c.Command, a.Error)
	}()
	if from == doorHTTP && isLocal(c.Command) {
		a = api.Refusedf(api.ErrBadCommand, "%s can only be said on the local socket", c.Command)
		a.Request = c.ID
		return a
	}
	return g.Do(ctx, c)
}

func internalError() *api.Answer {
	return api.Refusedf(api.ErrInternal, "something went wrong in the server; its log says what")
}

// answerLines gathers answers, one a line.
type answerLines struct {
	bytes.Buffer
	encoder *json.Encoder
}

func newAnswerLines() *answerLines {
	s := new(answerLines)
	s.encoder = rawjson.NewEncoder(&s.Buffer)
	return s
}

// add appends an answer.
func (s *answerLines) add(g *Gateway, a *api.Answer) {
	if err := s.encoder.Encode(a); err != nil {
		g.log.Error("an answer cannot be written", "error", err)
		s.encoder.Encode(internalError())
	}
}
