package wire

// Error is what is wrong with the bytes that a peer sent, with the close code to answer it by.
type Error struct {
	Code   CloseCode // ProtocolError, InvalidPayload or MessageTooBig
	Reason string    // which rule was broken, in a few words fit for the close frame
	Cause  error     // the error underneath, if there is one
}

// Error returns the reason and the close code's name.
func (e *Error) Error() string {
	s := "websocket: " + e.Reason + " (" + e.Code.String() + ")"
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

func protocolError(reason string) *Error { return &Error{Code: ProtocolError, Reason: reason} }

func tooBig(reason string) *Error { return &Error{Code: MessageTooBig, Reason: reason} }

var errInvalidUTF8 = &Error{Code: InvalidPayload, Reason: "text is not valid UTF-8"}
