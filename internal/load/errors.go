package load

import (
	"errors"
	"fmt"
)

// What ends a connection, or the run.
var (
	errRefused     = errors.New("opening handshake failed")
	errOpenLate    = errors.New("the opening handshake took too long")
	errClosed      = errors.New("closed by the server")
	errBroken      = errors.New("closed by us because of what the server sent")
	errWanted      = errors.New("closed by us")
	errInterrupted = errors.New("interrupted")
	errNotMolva    = refused("the server does not answer in molva's client protocol")
	errNoDeflate   = errors.New("the server did not agree to compression (permessage-deflate); leave --compress out")
)

// kindError is an error of a kind that its text need not name.
type kindError struct {
	error
	kind error
}

// Is makes errors.Is find the kind.
func (e *kindError) Is(target error) bool { return target == e.kind }

// Unwrap returns the error itself.
func (e *kindError) Unwrap() error { return e.error }

// wrong says what is wrong with a configuration.
func wrong(format string, args ...any) error {
	return &kindError{fmt.Errorf(format, args...), ErrConfig}
}

// refused says why no connection can be had, however often one tries.
func refused(format string, args ...any) error {
	return &kindError{fmt.Errorf(format, args...), errRefused}
}
