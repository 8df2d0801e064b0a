package api

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
