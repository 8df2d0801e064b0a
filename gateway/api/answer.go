package api

import (
	"encoding/json"
	"fmt"
)

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

// Refusedf returns the answer to a command that is not carried out.
func Refusedf(code ErrorCode, format string, args ...any) *Answer {
	return &Answer{Error: code, Message: fmt.Sprintf(format, args...)}
}

// UnmarshalJSON reads an answer. Conns becomes an int or a []ConnInfo, as it was.
func (a *Answer) UnmarshalJSON(p []byte) error {
	type plain Answer // has no methods
	read := struct {
		*plain
		Conns json.RawMessage `json:"conns"` // hides the field of plain
	}{plain: (*plain)(a)}
	if err := json.Unmarshal(p, &read); err != nil {
		return err
	}
	switch {
	case len(read.Conns) == 0:
		return nil
	case read.Conns[0] == '[':
		var list []ConnInfo
		if err := json.Unmarshal(read.Conns, &list); err != nil {
			return err
		}
		a.Conns = list
	default:
		var n int
		if err := json.Unmarshal(read.Conns, &n); err != nil {
			return err
		}
		a.Conns = n
	}
	return nil
}
