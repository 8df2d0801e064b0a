package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// field is a field of a command; the sum of several is a set of them.
type field uint16

const (
	fieldCommand field = 1 << iota
	fieldID
	fieldUser
	fieldRoom
	fieldAll
	fieldSubject
	fieldMessage
	fieldKey
	fieldConn
	fieldCode
	fieldReason
	fieldLimit
	fieldAfter
)

// fieldNames are in the order of the fields.
var fieldNames = []string{"command", "id", "user", "room", "all", "subject", "message", "key", "conn", "code", "reason", "limit",
	"after"}

// String returns the name of a field.
func (f field) String() string {
	for i, name := range fieldNames {
		if f == 1<<i {
			return name
		}
	}
	return ""
}

// names returns those of all fields in the set.
func (f field) names() []string {
	var names []string
	for i, name := range fieldNames {
		if f&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// fieldNamed returns 0 if there is none.
func fieldNamed(name []byte) field {
	for i, known := range fieldNames {
		if string(name) == known {
			return 1 << i
		}
	}
	return 0
}

// commandFields are the commands and what each takes, beside "command" and "id".
var commandFields = map[string]field{
	"send":       fieldUser | fieldRoom | fieldAll | fieldSubject | fieldMessage | fieldKey,
	"online":     fieldUser,
	"conns":      fieldUser | fieldRoom | fieldLimit | fieldAfter,
	"rooms":      fieldLimit | fieldAfter,
	"users":      fieldRoom | fieldLimit | fieldAfter,
	"disconnect": fieldUser | fieldConn | fieldCode | fieldReason,
	"join":       fieldUser | fieldConn | fieldRoom,
	"leave":      fieldUser | fieldConn | fieldRoom,
	"stats":      0,
	"ping":       0,
	"reload":     0,
}

// onlyLooks tells whether a command changes nothing, so that it may be asked for with GET.
func onlyLooks(command string) bool {
	switch command {
	case "send", "disconnect", "join", "leave", "reload":
		return false
	}
	return true
}

// set sets a field of c to a JSON value. If any value is allowed, c refers to it afterwards.
func (c *Command) set(f field, v []byte) error {
	switch f {
	case fieldCommand:
		return setName(&c.Command, f, v)
	case fieldID:
		c.ID = v
	case fieldUser:
		return setName(&c.User, f, v)
	case fieldRoom:
		return setName(&c.Room, f, v)
	case fieldAll:
		return setBool(&c.All, f, v)
	case fieldSubject:
		return setName(&c.Subject, f, v)
	case fieldMessage:
		c.Message = v
	case fieldKey:
		return setName(&c.Key, f, v)
	case fieldConn:
		return setName(&c.Conn, f, v)
	case fieldCode:
		return setNumber(&c.Code, f, v)
	case fieldReason:
		return setString(&c.Reason, f, v)
	case fieldLimit:
		return setNumber(&c.Limit, f, v)
	case fieldAfter:
		return setString(&c.After, f, v)
	}
	return nil
}

// inQuotes says that JSON wants quotes around the field's value, which a query does without.
func (f field) inQuotes() bool { return f&(fieldAll|fieldCode|fieldLimit) == 0 }

// setName is setString for what means another thing when it is missing than when it is empty: without a user, conns
// lists everybody.
func setName(to *string, f field, v []byte) error {
	if err := setString(to, f, v); err != nil {
		return err
	}
	if *to == "" {
		return fmt.Errorf("%q must not be empty; leave it out", f)
	}
	return nil
}

func setString(to *string, f field, v []byte) error {
	if kindOf(v) != '"' {
		return fmt.Errorf("%q must be a string, not %s", f, typeName(v))
	}
	*to = string(unquote(v))
	return nil
}

func setBool(to *bool, f field, v []byte) error {
	switch string(v) {
	case "true":
		*to = true
	case "false":
		*to = false
	default:
		return fmt.Errorf("%q must be true or false, not %s", f, typeName(v))
	}
	return nil
}

// setNumber takes positive integers, however they are written, as in 1e3.
func setNumber(to *int, f field, v []byte) error {
	if n, err := strconv.Atoi(string(v)); err == nil && n > 0 {
		*to = n
		return nil
	}
	if bytes.IndexByte([]byte("-0123456789"), kindOf(v)) < 0 {
		return fmt.Errorf("%q must be a number, not %s", f, typeName(v))
	}
	var number float64
	if json.Unmarshal(v, &number) != nil || number != math.Trunc(number) || number < 1 || number > math.MaxInt32 {
		return fmt.Errorf("%q must be a positive integer", f)
	}
	*to = int(number)
	return nil
}

// typeName returns the name of a JSON value's type, with its article.
func typeName(v []byte) string {
	switch kindOf(v) {
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "an array"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}
