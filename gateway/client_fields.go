package gateway

import (
	"encoding/json"

	"github.com/molva-ws/molva/internal/rawjson"
)

// fields is what one message of a client says: of each field that is known the JSON it came in, nil if it is absent.
// They lie in the memory of the message.
type fields struct {
	kind, ack, room, user, data, presence, echo, subject, token []byte
}

// parse splits a message at its top level and reports whether it is one JSON object. What the values hold is left
// alone. Of a field that comes twice the last one counts.
func (f *fields) parse(p []byte) bool {
	if !json.Valid(p) || rawjson.Kind(p) != '{' {
		return false
	}
	for name, value := range rawjson.Members(p) {
		if field := f.named(name); field != nil {
			*field = value
		}
	}
	return true
}

// named returns where the field of a name goes; nil if nobody wants it.
func (f *fields) named(name []byte) *[]byte {
	switch string(name) {
	case "type":
		return &f.kind
	case "ack":
		return &f.ack
	case "room":
		return &f.room
	case "user":
		return &f.user
	case "data":
		return &f.data
	case "presence":
		return &f.presence
	case "echo":
		return &f.echo
	case "subject":
		return &f.subject
	case "token":
		return &f.token
	}
	return nil
}

// stringOf decodes a JSON string, and reports whether raw is one. Where nothing is escaped it copies nothing.
func stringOf(raw []byte) ([]byte, bool) {
	if len(raw) == 0 || raw[0] != '"' {
		return nil, false
	}
	return rawjson.Unquote(raw), true
}

// flag decodes true or false; a field that is absent is false.
func flag(raw []byte) (value, ok bool) {
	switch string(raw) {
	case "true":
		return true, true
	case "", "false":
		return false, true
	}
	return false, false
}

const maxAck = 1<<53 - 1

// parseAck decodes an integer from 1 to maxAck, and returns 0 for anything else.
func parseAck(raw []byte) int64 {
	if len(raw) > len("9007199254740991") {
		return 0
	}
	n := int64(0)
	for _, c := range raw {
		if c < '0' || c > '9' {
			return 0
		}
		n = 10*n + int64(c-'0')
	}
	if n > maxAck {
		return 0
	}
	return n
}
