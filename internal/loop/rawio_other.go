//go:build !unix

package loop

import (
	"errors"
	"net"
	"syscall"
)

var errWouldBlock = errors.New("socket is not ready")

// plainSocket returns nil: on this system the net package does the reading and writing.
func plainSocket(net.Conn) syscall.RawConn { return nil }

func readOnce(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }

func (s *Stream) writeOnce([][]byte) (int, error) { return 0, errors.ErrUnsupported }

func (s *Stream) writeWhenReady([][]byte) (int, error) { return 0, errors.ErrUnsupported }
