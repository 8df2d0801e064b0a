package wire

import "strconv"

// Opcode says what a frame carries (RFC 6455 §5.2).
type Opcode byte

// The opcodes of RFC 6455 §11.8. All others are reserved.
const (
	OpContinuation Opcode = 0x0
	OpText         Opcode = 0x1
	OpBinary       Opcode = 0x2
	OpClose        Opcode = 0x8
	OpPing         Opcode = 0x9
	OpPong         Opcode = 0xA
)

// IsControl reports whether o is close, ping, pong or one of the opcodes reserved for control frames (RFC 6455 §5.5).
func (o Opcode) IsControl() bool { return o&0x8 != 0 }

// IsReserved reports whether RFC 6455 leaves o undefined.
func (o Opcode) IsReserved() bool { return o&^0x8 > OpBinary }

// String returns the name that the RFC gives the opcode.
func (o Opcode) String() string {
	switch o {
	case OpContinuation:
		return "continuation"
	case OpText:
		return "text"
	case OpBinary:
		return "binary"
	case OpClose:
		return "close"
	case OpPing:
		return "ping"
	case OpPong:
		return "pong"
	}
	return "reserved opcode " + strconv.Itoa(int(o))
}

// Role is the side of a connection that this end plays. It decides who masks (RFC 6455 §5.1).
type Role byte

// A server receives masked frames and sends unmasked ones, a client the other way round.
const (
	Server Role = iota
	Client
)

// String returns "server" or "client".
func (r Role) String() string {
	if r == Client {
		return "client"
	}
	return "server"
}
