//go:build linux

package client

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrFrame says that the server sent a control frame that RFC 6455 §5.5 forbids.
var ErrFrame = errors.New("malformed control frame")

// Control opcodes (RFC 6455 §5.5), with FIN as they must have.
const (
	closeFrame = 0x88
	pingFrame  = 0x89
	pongFrame  = 0x8a
)

// control collects a control frame of which c.partial holds the beginning, acts
// on it when it is whole, and answers the bytes behind it.
func (c *Conn) control(b []byte) ([]byte, error) {
	const head, largest = 2, 125
	for len(c.partial) < head || len(c.partial) < head+int(c.partial[1]) {
		if len(b) == 0 {
			return nil, nil
		}
		c.partial, b = append(c.partial, b[0]), b[1:]
		if len(c.partial) == head && c.partial[1] > largest {
			return nil, fmt.Errorf("%w: %x", ErrFrame, c.partial)
		}
	}
	opcode, payload := c.partial[0], c.partial[head:]
	c.partial = nil
	switch opcode {
	case pingFrame:
		c.reply = appendPong(c.reply, payload)
		return b, c.flush()
	case pongFrame:
		return b, nil
	case closeFrame:
		return nil, closeError(payload)
	}
	return nil, fmt.Errorf("%w: %#x", ErrFrame, opcode)
}

// appendPong appends a pong masked with a key of zeros, which is a legal one.
func appendPong(b, payload []byte) []byte {
	const masked = 0x80
	b = append(b, pongFrame, masked|byte(len(payload)), 0, 0, 0, 0)
	return append(b, payload...)
}

func closeError(payload []byte) error {
	if len(payload) < 2 {
		return ErrClosed
	}
	return fmt.Errorf("%w: %d %s", ErrClosed, binary.BigEndian.Uint16(payload), payload[2:])
}
