package molva

import (
	"slices"

	"github.com/molva-ws/molva/wire"
)

// Type says what a message is: text or binary data (RFC 6455 §5.6).
type Type uint8

// The two types of message. The zero Type is not one of them; sending it returns [ErrType].
const (
	TypeText   Type = Type(wire.OpText)
	TypeBinary Type = Type(wire.OpBinary)
)

// String returns "text" or "binary".
func (t Type) String() string { return wire.Opcode(t).String() }

// Message is one message. A message that was received lies in memory that will be used again: its Data is valid until
// the callback returns, or until the next call that reads from the connection. [Message.Clone] keeps it longer.
type Message struct {
	Type Type
	Data []byte
}

// Text returns a text message. s must be valid UTF-8; it is not checked, the peer will.
func Text(s string) Message { return Message{Type: TypeText, Data: []byte(s)} }

// Binary returns a binary message of p, which is not copied.
func Binary(p []byte) Message { return Message{Type: TypeBinary, Data: p} }

// Clone returns a copy that stays valid.
func (m Message) Clone() Message { return Message{Type: m.Type, Data: slices.Clone(m.Data)} }

// String returns a copy of the data as a string.
func (m Message) String() string { return string(m.Data) }

func (m Message) valid() bool { return m.Type == TypeText || m.Type == TypeBinary }
