package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/molva-ws/molva/gateway/api"
	"github.com/molva-ws/molva/internal/rawjson"
)

// set sets a field of c to a JSON value. If any value is allowed, c refers to it afterwards.
func set(c *api.Command, f field, v []byte) error {
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
	if rawjson.Kind(v) != '"' {
		return fmt.Errorf("%q must be a string, not %s", f, rawjson.TypeName(v))
	}
	*to = string(rawjson.Unquote(v))
	return nil
}

func setBool(to *bool, f field, v []byte) error {
	switch string(v) {
	case "true":
		*to = true
	case "false":
		*to = false
	default:
		return fmt.Errorf("%q must be true or false, not %s", f, rawjson.TypeName(v))
	}
	return nil
}

// setNumber takes positive integers, however they are written, as in 1e3.
func setNumber(to *int, f field, v []byte) error {
	if n, err := strconv.Atoi(string(v)); err == nil && n > 0 {
		*to = n
		return nil
	}
	if bytes.IndexByte([]byte("-0123456789"), rawjson.Kind(v)) < 0 {
		return fmt.Errorf("%q must be a number, not %s", f, rawjson.TypeName(v))
	}
	var number float64
	if json.Unmarshal(v, &number) != nil || number != math.Trunc(number) || number < 1 || number > math.MaxInt32 {
		return fmt.Errorf("%q must be a positive integer", f)
	}
	*to = int(number)
	return nil
}
