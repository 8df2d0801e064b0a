package gateway

import "encoding/json"

// Command is what an application asks of the gateway, by HTTP, on the local socket or from Go; see docs/api.md.
type Command struct {
	Command string          `json:"command,omitempty"` // "" means send
	ID      json.RawMessage `json:"id,omitempty"`      // comes back as Answer.Request
	User    string          `json:"user,omitempty"`
	Room    string          `json:"room,omitempty"`
	All     bool            `json:"all,omitempty"`
	Subject string          `json:"subject,omitempty"` // what the message to the room is about
	Message json.RawMessage `json:"message,omitempty"` // any JSON value
	Key     string          `json:"key,omitempty"`     // of idempotency
	Conn    string          `json:"conn,omitempty"`
	Code    int             `json:"code,omitempty"`
	Reason  string          `json:"reason,omitempty"`
	Limit   int             `json:"limit,omitempty"`
	After   string          `json:"after,omitempty"`
}

// Answer is the gateway's answer to a Command. Fields that its command does not have are nil.
type Answer struct {
	OK       bool            `json:"ok"`
	Request  json.RawMessage `json:"request,omitempty"`
	Error    ErrorCode       `json:"error,omitempty"`
	Message  string          `json:"message,omitempty"` // says what is wrong
	MsgID    string          `json:"id,omitempty"`
	Time     int64           `json:"time,omitempty"` // in milliseconds since 1970
	Reached  *int            `json:"reached,omitempty"`
	Repeated bool            `json:"repeated,omitempty"`
	Online   *bool           `json:"online,omitempty"`
	Conns    any             `json:"conns,omitempty"` // int for online, []ConnInfo for conns
	Rooms    *[]RoomInfo     `json:"rooms,omitempty"`
	Users    *[]UserInfo     `json:"users,omitempty"`
	More     bool            `json:"more,omitempty"`
	Closed   *int            `json:"closed,omitempty"`
	Joined   *int            `json:"joined,omitempty"`
	Left     *int            `json:"left,omitempty"`
	Stats    *Stats          `json:"stats,omitempty"`
	Reloaded *Reloaded       `json:"reloaded,omitempty"`
}

// ConnInfo describes a connection.
type ConnInfo struct {
	Conn    string   `json:"conn"`
	User    string   `json:"user,omitempty"`
	Address string   `json:"address"`
	Rooms   []string `json:"rooms"`
	Since   int64    `json:"since"`
	Queued  int      `json:"queued"`
}

// RoomInfo describes a room.
type RoomInfo struct {
	Room  string `json:"room"`
	Conns int    `json:"conns"`
	Users int    `json:"users"`
}

// UserInfo describes a user who is online, or in a room.
type UserInfo struct {
	User  string `json:"user"`
	Conns int    `json:"conns"`
}

// ErrorCode says what is wrong in a word that programs can rely on.
type ErrorCode string

// The codes of docs/api.md.
const (
	ErrBadJSON      ErrorCode = "bad_json"
	ErrBadCommand   ErrorCode = "bad_command"
	ErrBadField     ErrorCode = "bad_field"
	ErrUnauthorized ErrorCode = "unauthorized"
	ErrBadMethod    ErrorCode = "bad_method"
	ErrTooLarge     ErrorCode = "too_large"
	ErrKeyReused    ErrorCode = "key_reused"
	ErrBusy         ErrorCode = "busy"
)
