package console

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"

	"github.com/molva-ws/molva"
)

// inputError reports a line that cannot be sent.
type inputError struct {
	line int
	text string
}

func (e *inputError) Error() string { return fmt.Sprintf("line %d of the input %s", e.line, e.text) }

// speak sends what is typed, or does what it says, until the end of the input, for which it returns nil. Otherwise the
// error is a *leaving or that of the connection.
func (s *session) speak(ctx context.Context) error {
	for {
		line, err := s.in.next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = s.take(ctx, line)
		}
		var bad *inputError
		switch {
		case errors.As(err, &bad) && s.interactive:
			s.screen.notice("the line %s", bad.text)
		case errors.As(err, new(*leaving)), errors.Is(err, molva.ErrClosed), ctx.Err() != nil:
			return err
		case err != nil:
			return leave(err)
		}
		if s.interactive {
			s.screen.showPrompt()
		}
	}
}

// take sends a line, or does what it says if somebody types.
func (s *session) take(ctx context.Context, line []byte) error {
	if s.interactive && bytes.HasPrefix(line, []byte("/")) {
		if !bytes.HasPrefix(line, []byte("//")) {
			return s.command(ctx, string(line[1:]))
		}
		line = line[1:]
	}
	if s.opts.Binary {
		return s.sendHex(ctx, line)
	}
	if !utf8.Valid(line) {
		return &inputError{s.in.number, "is not UTF-8, as text has to be; --binary sends any bytes, given in hex"}
	}
	return s.send(ctx, molva.Message{Type: molva.TypeText, Data: line})
}

// sendHex sends the bytes that a line gives in hex. Spaces between them do not matter.
func (s *session) sendHex(ctx context.Context, line []byte) error {
	digits := bytes.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, line)
	payload, err := hex.AppendDecode(nil, digits)
	if err != nil {
		return &inputError{s.in.number, "is not hex: " + err.Error()}
	}
	if len(payload) > s.opts.maxMessage() {
		return &inputError{s.in.number, "is longer than --max-message allows"}
	}
	return s.send(ctx, molva.Binary(payload))
}

func (s *session) send(ctx context.Context, m molva.Message) error {
	s.sent += len(m.Data)
	return s.conn.Write(ctx, m)
}
