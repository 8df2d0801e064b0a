package console

import (
	"errors"
	"fmt"
	"io"
	"syscall"
	"time"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/wire"
)

// closeTimeout bounds the closing handshake.
const closeTimeout = 5 * time.Second

// end closes the connection if it has not ended, tells how it did, and returns the error for that.
func (s *session) end(why error) error {
	var ours *leaving
	if errors.As(why, &ours) {
		slow := time.AfterFunc(time.Second, func() { s.screen.event("waiting for the server to answer the close") })
		s.conn.Close(ours.code, ours.reason)
		<-s.conn.Done()
		slow.Stop()
	}
	var closed *molva.CloseError
	if !errors.As(s.conn.Err(), &closed) {
		return why
	}
	text, well := verdict(closed, ours != nil, s.opts)
	if !well && ours != nil && s.showing.Load() {
		text = "closed by us; what still came could not be written, because nobody reads it"
	}
	if well {
		s.screen.event("%s", text)
	} else {
		s.screen.notice("%s", text)
	}
	switch {
	case ours != nil && ours.err != nil:
		return ours.err
	case !well:
		return ErrClosed
	}
	return nil
}

// verdict tells how a connection ended, and whether that is well. ours means that the user wanted to end it.
func verdict(e *molva.CloseError, ours bool, o *Options) (text string, well bool) {
	var violation *wire.Error
	switch {
	case ours && errors.Is(e, molva.ErrTimeout):
		return fmt.Sprintf("closed by us; the server did not answer that within %s", closeTimeout), false
	case ours && errors.Is(e, io.ErrUnexpectedEOF):
		return "closed by us; the server hung up without a close frame of its own", true
	case ours && !e.ByPeer && e.Unwrap() == nil:
		return "closed by us: " + e.Code.String(), true
	case errors.As(e, &violation):
		return violated(e, violation, o), false
	case errors.Is(e, molva.ErrTimeout):
		return givenUp(e, o), false
	case e.Code == molva.CloseAbnormal:
		return lost(e), false
	case !e.ByPeer:
		return "closed by us: " + told(e), false
	}
	return "closed by the server: " + told(e), isNormal(e.Code)
}

// isNormal reports whether a close code tells of no trouble. A server that just closes often sends none.
func isNormal(code molva.CloseCode) bool {
	return code == molva.CloseNormal || code == molva.CloseGoingAway || code == molva.CloseNoStatus
}

// told returns the code, the reason and what the code means.
func told(e *molva.CloseError) string {
	text := e.Code.String()
	if e.Reason != "" {
		text += fmt.Sprintf(", %q", e.Reason)
	}
	return text + "\n" + e.Code.Meaning()
}

// givenUp tells of a server that is not there any more, as far as one can see.
func givenUp(e *molva.CloseError, o *Options) string {
	what := "has sent nothing, not even a pong,"
	if e.Code == molva.ClosePolicyViolation {
		what = "has taken nothing"
	}
	return fmt.Sprintf("given up: the server %s for %s; --keepalive sets how long to wait", what, o.Keepalive)
}

// violated tells what the server did wrong.
func violated(e *molva.CloseError, violation *wire.Error, o *Options) string {
	text := "closed by us: " + e.Code.String() + "\nThe server broke the protocol: " + violation.Reason
	if e.Code == molva.CloseMessageTooBig {
		text = fmt.Sprintf("closed by us: %s\nThe server sent a message larger than %d bytes; --max-message sets the limit.",
			e.Code, o.maxMessage())
	}
	return text
}

// lost tells of a connection that ended without a close frame.
func lost(e *molva.CloseError) string {
	cause := e.Unwrap()
	text := "the connection is lost"
	switch {
	case errors.Is(cause, io.ErrUnexpectedEOF):
		text = "the server hung up"
	case errors.Is(cause, syscall.ECONNRESET):
		text = "the server reset the connection"
	case cause != nil:
		text += " (" + cause.Error() + ")"
	}
	return text + ": " + told(e)
}
