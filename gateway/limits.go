package gateway

import (
	"time"

	"github.com/molva-ws/molva"
)

// Limits bounds what clients and applications may make the gateway remember. A zero field means the default. For one
// connection's messages see [molva.Limits] in Gateway.WebSocket.
type Limits struct {
	Rooms   int           // that one connection may have joined at a time; default 100
	Name    int           // bytes in the name of a room or user; default 128
	Message int           // bytes in a message of the application; default 1 MiB
	Keys    int           // idempotency keys that are remembered; default 100,000
	KeyAge  time.Duration // how long; default 10 minutes

	ConnsPerUser int // connections of one user, who gets 429 then; 0 is any number
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Rooms:   orDefault(l.Rooms, 100),
		Name:    orDefault(l.Name, 128),
		Message: orDefault(l.Message, 1<<20),
		Keys:    orDefault(l.Keys, 100_000),
		KeyAge:  orDefault(l.KeyAge, 10*time.Minute),

		ConnsPerUser: l.ConnsPerUser,
	}
}

// ValidUser reports whether name can be that of a user: 1 to Name bytes of UTF-8 without control characters that do not
// begin with $.
func (l Limits) ValidUser(name string) bool {
	return !isReserved(name) && validName(name, l.withDefaults().Name)
}

// withClientDefaults fills in what the gateway wants otherwise than a server in general: its clients are browsers, and
// what one of them says may go to thousands.
func withClientDefaults(l molva.Limits) molva.Limits {
	l.Message = orDefault(l.Message, 64<<10)
	if l.Messages == 0 {
		l.Messages = 50
		l.MessageBurst = orDefault(l.MessageBurst, 100)
	}
	if l.Bytes == 0 {
		l.Bytes = 256 << 10
		l.ByteBurst = orDefault(l.ByteBurst, 512<<10)
	}
	return l
}

func orDefault[T int | int64 | time.Duration](n, fallback T) T {
	if n == 0 {
		return fallback
	}
	return n
}
