package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"runtime/debug"
)

// ErrInternal is the error of a command on which the server failed.
const ErrInternal ErrorCode = "internal"

// door is a way by which commands come in.
type door uint8

const (
	doorHTTP door = iota
	doorSocket
	doors // how many there are
)

func (d door) String() string { return [...]string{"http", "socket"}[d] }

// perform carries out a command that came through a door. A bug in one command must not end the server.
func (g *Gateway) perform(ctx context.Context, from door, c *Command) (a *Answer) {
	defer func() {
		if v := recover(); v != nil {
			g.log.Error("command panicked", "command", c.Command, "panic", v, "stack", string(debug.Stack()))
			a = internalError()
			a.Request = c.ID
		}
		g.heard.command(from, c.Command, a.Error)
	}()
	if from == doorHTTP && isLocal(c.Command) {
		a = refused(ErrBadCommand, "%s can only be said on the local socket", c.Command)
		a.Request = c.ID
		return a
	}
	return g.Do(ctx, c)
}

func internalError() *Answer {
	return refused(ErrInternal, "something went wrong in the server; its log says what")
}

// answerLines gathers answers, one a line.
type answerLines struct {
	bytes.Buffer
	encoder *json.Encoder
}

func newAnswerLines() *answerLines {
	s := new(answerLines)
	s.encoder = jsonLines(&s.Buffer)
	return s
}

// add appends an answer.
func (s *answerLines) add(g *Gateway, a *Answer) {
	if err := s.encoder.Encode(a); err != nil {
		g.log.Error("an answer cannot be written", "error", err)
		s.encoder.Encode(internalError())
	}
}
