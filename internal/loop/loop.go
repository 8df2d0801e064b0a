// Package loop moves bytes between sockets and a protocol, and knows nothing of the protocol. There are two ways to
// drive a connection: a goroutine of its own on any [net.Conn] (the portable form, [Stream]), and, on Linux, an event
// loop that many connections share ([Group]). A [Handler] cannot tell which one it runs on.
package loop

import (
	"context"
	"errors"
	"net"
	"time"
)

var (
	// ErrFull says that the outbox has no room for the message; nothing of it was queued.
	ErrFull = errors.New("outbox is full")
	// ErrClosed says that the connection takes no more messages.
	ErrClosed = errors.New("connection is closed")
	// ErrHeld says that the connection was told to hold back messages of that priority; see [Conn.Hold].
	ErrHeld = errors.New("messages are held back")
	// ErrStalled ends a connection whose peer has taken no byte for [Config.WriteTimeout] while some were waiting.
	ErrStalled = errors.New("peer has stopped reading")
)

// A Handler is the protocol on top of one connection. Its methods are called in order and never overlap; each may
// block for as long as it likes, which keeps only its own connection waiting.
type Handler interface {
	// Data takes bytes that have arrived. p may be changed in place; it is valid until Data returns.
	Data(p []byte)
	// Timer is called when the time given to [Conn.SetTimer] has passed.
	Timer()
	// Closed is the last call, and comes exactly once. err is what ended the connection: the argument of
	// [Conn.Finish] or [Conn.Abort] where one of them did, [io.EOF] when the peer closed its side, or the error of
	// the socket.
	Closed(err error)
}

// A Conn is one connection's socket with its outbox. All methods may be called from any goroutine, those of the
// Handler included, unless they say otherwise.
type Conn interface {
	// Send queues one message, head and body joined. The body belongs to the caller again when Send returns. It never
	// blocks. It returns [ErrFull], [ErrHeld] or [ErrClosed].
	Send(head Head, body []byte, p Priority) error
	// SendFrame queues a shared frame, keeping a reference until it has left. Otherwise like Send.
	SendFrame(f *Frame, p Priority) error
	// Hold makes the connection refuse normal and droppable messages with [ErrHeld], or take them again, so that those
	// of other priorities can be sent with nothing between them.
	Hold(on bool)
	// WaitRoom blocks until a message of n bytes would be admitted. It returns [ErrClosed] or the context's error.
	WaitRoom(ctx context.Context, n int) error
	// Cork tells, while Data runs, that more messages are likely to be sent before it returns. They may be held back
	// until then, for a millisecond at most, to leave in one system call.
	Cork()
	// Queued returns the number of bytes that wait in the outbox.
	Queued() int
	// Idle returns the time since bytes last arrived, to the precision of a timer's tick.
	Idle() time.Duration
	// SetTimer asks for one call of Handler.Timer after d, replacing the one asked for before; zero asks for none.
	SetTimer(d time.Duration)
	// SetHandler makes h the protocol from the next call on. Only a method of the present Handler may call it.
	SetHandler(h Handler)
	// Finish ends the connection in good order: nothing more is accepted for sending or given to Data; what is
	// queued is sent, the sending side is shut, and what still arrives is read and thrown away until the peer closes
	// or the linger time has passed. Then comes Closed(err). Without that reading, closing a socket whose peer is
	// still sending would reset it, and the peer might never see what was sent last.
	Finish(err error, linger time.Duration)
	// Part is Finish where the peer has said that it will send nothing more and waits for this end to close. The socket
	// is closed as soon as everything is sent, without waiting for the peer to close it too; but if bytes may be left
	// unread in it, or the peer is slow to take what is sent, Part does as Finish does. Only the Handler, or who reads
	// from a [Stream], may call it.
	Part(err error, linger time.Duration)
	// Abort cuts the connection at once, without sending what is queued. Closed(err) follows.
	Abort(err error)
	// LocalAddr and RemoteAddr return the addresses of the socket.
	LocalAddr() net.Addr
	RemoteAddr() net.Addr
}

// Priority says what may become of a message when the outbox is full.
type Priority uint8

const (
	// Normal messages are refused with [ErrFull] when they do not fit.
	Normal Priority = iota
	// Droppable messages may be thrown away unsent, the oldest first, to make room for a newer message of any kind.
	// Otherwise they are like normal ones.
	Droppable
	// Through messages are like normal ones, but are not held back and do not count as messages in the statistics.
	Through
	// Urgent messages are queued whatever the limit, and otherwise like Through. The caller sees to it that there are
	// few.
	Urgent
	// Last is an urgent message after which the connection takes no other: they are refused with [ErrClosed].
	Last
)

// counts reports whether messages of this priority are counted in the statistics.
func (p Priority) counts() bool { return p <= Droppable }

// Config is what all connections of one kind share. It must not change once a connection uses it.
type Config struct {
	// Outbox is the limit in bytes on what waits to be sent on one connection, 16 bytes of bookkeeping counted with
	// each message. One message is always admitted to an empty outbox, whatever its size. Where older messages make room
	// for newer ones, those in the system's hands at this moment do not count; on a [Stream] over anything but a plain
	// socket, as with TLS, that is as long as the peer takes nothing, and up to as much again. Zero means 1 MiB.
	Outbox int
	// Dropped, if set, is told how many messages were thrown away to make room. It must not block nor call the
	// connection.
	Dropped func(messages int)
	// Replaced, if set, is told of each message whose place a newer one about the same [Subject] has taken, likewise.
	Replaced func()
	// WriteTimeout ends a connection with [ErrStalled] whose peer takes no byte for so long while some are waiting.
	// Zero means 60 seconds.
	WriteTimeout time.Duration
	// Traffic, if set, counts the bytes of streams. A [Group] has counters of its own.
	Traffic *Traffic

	cork time.Duration // how long a [Stream] holds messages back at most; zero means maxCork
}

// DefaultOutbox is the limit in bytes that [Config.Outbox] stands for when it is 0.
const DefaultOutbox = 1 << 20

const defaultWriteTimeout = 60 * time.Second

func (c *Config) outbox() int {
	if c.Outbox > 0 {
		return c.Outbox
	}
	return DefaultOutbox
}

func (c *Config) corkTime() time.Duration {
	if c.cork > 0 {
		return c.cork
	}
	return maxCork
}

func (c *Config) writeTimeout() time.Duration {
	if c.WriteTimeout > 0 {
		return c.WriteTimeout
	}
	return defaultWriteTimeout
}
