package wire

import (
	"errors"
	"testing"
)

func TestErrorSaysReasonCodeAndCause(t *testing.T) {
	err := &Error{Code: ProtocolError, Reason: "reserved opcode"}
	if got, want := err.Error(), "websocket: reserved opcode (1002 protocol error)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	cause := errors.New("bad block")
	err = &Error{Code: InvalidPayload, Reason: "damaged", Cause: cause}
	if got, want := err.Error(), "websocket: damaged (1007 invalid payload): bad block"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if !errors.Is(err, cause) {
		t.Error("the cause is hidden")
	}
}
