package gateway

import (
	"strconv"
	"unicode"
	"unicode/utf8"

	"github.com/molva-ws/molva"
	"github.com/molva-ws/molva/gateway/api"
)

// Rules say what clients may do. Each is asked when the client wants it, after the gateway's own checks, and may take
// its time: only this client waits. An error refuses; the client is told "forbidden", or what a [*ClientError] says. A
// rule that is nil allows.
type Rules struct {
	// Join is asked about joining a room.
	Join func(c *Client, room string) error
	// Stay is asked, once other things were granted to a client, about each room that it has joined by itself: an error
	// takes it out of the room. A room into which the application has put it is none of those.
	Stay func(c *Client, room string) error
	// Publish is asked about each message to a room. data, a JSON value, must be left as it is, and not be kept.
	Publish func(c *Client, room string, data []byte) error
	// Send is asked about each direct message to a user. data is as in Publish.
	Send func(c *Client, user string, data []byte) error
	// Presence is asked about seeing who is in a room.
	Presence func(c *Client, room string) error
	// Slow says what becomes of messages to a room for members that are too slow for them, and is asked about each of
	// them. With [molva.SlowKeepLatest] only the newest about a subject waits for such a member.
	Slow func(room string) molva.SlowPolicy
	// Unjoined lets clients publish to rooms, and see who is in them, without having joined. Publish and Presence are
	// asked all the same.
	Unjoined bool
}

// ClientError is an error of Rules or Renew that the client is told.
type ClientError struct {
	Code    api.ErrorCode // "" means forbidden
	Message string        // a sentence for the developer
}

// Error returns code and message.
func (e *ClientError) Error() string { return string(e.code()) + ": " + e.Message }

func (e *ClientError) code() api.ErrorCode {
	if e.Code == "" {
		return api.ErrForbidden
	}
	return e.Code
}

// reserved begins the names that are the gateway's own.
const reserved = '$'

// statsRoom is the room whose members see the statistics.
const statsRoom = "$stats"

func isReserved(name string) bool { return name != "" && name[0] == reserved }

// nameRule says in a sentence what validName wants.
func (g *Gateway) nameRule() string {
	return "1 to " + strconv.Itoa(g.limits().Name) + " bytes of UTF-8 without control characters"
}

// validName reports whether name can be that of a room or a user: 1 to most bytes of UTF-8 without control characters.
func validName(name string, most int) bool {
	if name == "" || len(name) > most {
		return false
	}
	for i := 0; i < len(name); {
		r, size := utf8.DecodeRuneInString(name[i:])
		if r == utf8.RuneError && size == 1 || unicode.IsControl(r) {
			return false
		}
		i += size
	}
	return true
}
