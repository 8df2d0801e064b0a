package hooks

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// Kind is what an event tells.
type Kind string

// The kinds of events.
const (
	Connected    Kind = "connected"
	Disconnected Kind = "disconnected"
	Joined       Kind = "joined"
	Left         Kind = "left"
	Occupied     Kind = "occupied" // the first has joined a room
	Vacated      Kind = "vacated"  // the last has left it
	Message      Kind = "message"  // of a client, to a room or a user
)

var kinds = []Kind{Connected, Disconnected, Joined, Left, Occupied, Vacated, Message}

// Event is one of the things that a request tells. Fields that its kind does not have are zero.
type Event struct {
	ID      string          `json:"id"` // differs from that of every other event; the same when it is sent again
	Event   Kind            `json:"event"`
	Time    int64           `json:"time"` // in milliseconds since 1970
	Conn    string          `json:"conn,omitempty"`
	User    string          `json:"user,omitempty"`
	Address string          `json:"address,omitempty"`
	Room    string          `json:"room,omitempty"`
	To      string          `json:"to,omitempty"` // the user to whom a message went
	Code    int             `json:"code,omitempty"`
	Reason  string          `json:"reason,omitempty"`
	Message string          `json:"message,omitempty"` // the id of a message
	Data    json.RawMessage `json:"data,omitempty"`
	Reached *int            `json:"reached,omitempty"`
}

// Batch is the body of a request that tells events.
type Batch struct {
	Events []Event `json:"events"`
	// Dropped is how many events have been lost since the last batch that was taken.
	Dropped uint64 `json:"dropped,omitempty"`
}

// encode returns e without its id, which the queue gives, and without the brace at the beginning.
func (e *Event) encode() ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(e); err != nil {
		return nil, err
	}
	return bytes.TrimPrefix(bytes.TrimSpace(b.Bytes()), []byte(`{"id":"",`)), nil
}

// appendBatch puts the body of a request together.
func appendBatch(b []byte, prefix string, items []item, dropped uint64) []byte {
	b = append(b, `{"events":[`...)
	for i := range items {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"id":"`...)
		b = append(b, prefix...)
		b = append(b, '-')
		b = strconv.AppendUint(b, items[i].number, 36)
		b = append(b, `",`...)
		b = append(b, items[i].json...)
	}
	b = append(b, ']')
	if dropped > 0 {
		b = append(b, `,"dropped":`...)
		b = strconv.AppendUint(b, dropped, 10)
	}
	return append(b, '}')
}
