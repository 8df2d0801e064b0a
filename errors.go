package molva

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/molva-ws/molva/internal/loop"
	"github.com/molva-ws/molva/wire"
)

var (
	// ErrClosed is returned for a connection that is closed or about to be: nothing more can be sent. A [*CloseError]
	// is ErrClosed, too.
	ErrClosed = errors.New("molva: connection is closed")

	// ErrBufferFull is returned by Send when the outbox has no room for the message, which was not queued. Under
	// [SlowClose] the connection is being closed, too.
	ErrBufferFull = errors.New("molva: outbox is full")

	// ErrType is returned when a message to be sent is neither text nor binary.
	ErrType = errors.New("molva: message is neither text nor binary")

	// ErrCallbacks is returned by the reading methods on a connection whose messages go to Server.OnMessage.
	ErrCallbacks = errors.New("molva: messages of this connection go to its server's callbacks")

	// ErrNoServer is returned by the methods for rooms and users on a connection that belongs to no [Server].
	ErrNoServer = errors.New("molva: connection belongs to no server")

	// ErrServerClosed is returned by Server.Serve and Server.ListenAndServe after Shutdown or Close.
	ErrServerClosed = errors.New("molva: server is closed")

	// ErrTimeout is the cause in a [*CloseError] when the peer was silent for too long: it answered no ping, or a
	// closing handshake never came to its end. It is [os.ErrDeadlineExceeded].
	ErrTimeout = fmt.Errorf("molva: peer does not answer: %w", os.ErrDeadlineExceeded)
)

// CloseCode is why a connection ends (RFC 6455 §7.4). Applications may use 3000 to 4999.
type CloseCode = wire.CloseCode

// The close codes that applications meet. Package wire has them all.
const (
	CloseNormal          = wire.NormalClosure
	CloseGoingAway       = wire.GoingAway
	CloseProtocolError   = wire.ProtocolError
	CloseUnsupportedData = wire.UnsupportedData
	CloseNoStatus        = wire.NoStatus
	CloseAbnormal        = wire.AbnormalClosure
	CloseInvalidPayload  = wire.InvalidPayload
	ClosePolicyViolation = wire.PolicyViolation
	CloseMessageTooBig   = wire.MessageTooBig
	CloseInternalError   = wire.InternalError
	CloseServiceRestart  = wire.ServiceRestart
	CloseTryAgainLater   = wire.TryAgainLater
)

// CloseError tells how a connection ended. It is what OnClose and the reading methods get.
type CloseError struct {
	// Code and Reason are those of the end that began the closing. CloseNoStatus means that its close frame had
	// neither, CloseAbnormal that the connection ended without one.
	Code   CloseCode
	Reason string
	// ByPeer tells who began.
	ByPeer bool

	cause error
}

// Error says who closed and why.
func (e *CloseError) Error() string {
	who := "this end"
	if e.ByPeer {
		who = "peer"
	}
	s := "molva: closed by " + who + ": " + e.Code.String()
	if e.Reason != "" {
		s += ": " + e.Reason
	}
	if e.cause != nil {
		s += ": " + e.cause.Error()
	}
	return s
}

// Unwrap returns what was underneath, such as the error of the socket or a [*wire.Error], if there was anything.
func (e *CloseError) Unwrap() error { return e.cause }

// Is makes every CloseError an [ErrClosed].
func (e *CloseError) Is(target error) bool { return target == ErrClosed }

// abnormal is the end of a connection without a close frame from either side.
func abnormal(cause error) *CloseError {
	var known *CloseError
	if errors.As(cause, &known) {
		return known
	}
	if errors.Is(cause, loop.ErrStalled) {
		return &CloseError{Code: ClosePolicyViolation, Reason: "peer does not read", cause: ErrTimeout}
	}
	if cause == io.EOF {
		cause = io.ErrUnexpectedEOF
	}
	return &CloseError{Code: CloseAbnormal, ByPeer: true, cause: cause}
}

// sendError translates the errors of the outbox.
func sendError(err error) error {
	switch err {
	case loop.ErrFull:
		return ErrBufferFull
	case loop.ErrClosed:
		return ErrClosed
	}
	return err
}
