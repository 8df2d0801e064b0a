package command

import "github.com/molva-ws/molva/gateway/api"

// Misplaced returns the name of a field that is set in c and does not belong to its command, "" if there is none.
func Misplaced(c *api.Command) string {
	for _, odd := range (given(c) &^ takes[Name(c)]).names() {
		return odd
	}
	return ""
}

// Name returns that of the command, which need not be said if it is send.
func Name(c *api.Command) string {
	if c.Command == "" {
		return "send"
	}
	return c.Command
}

// given returns the fields that are set, command and id left out.
func given(c *api.Command) (f field) {
	for _, one := range []struct {
		field field
		set   bool
	}{
		{fieldUser, c.User != ""},
		{fieldRoom, c.Room != ""},
		{fieldAll, c.All},
		{fieldSubject, c.Subject != ""},
		{fieldMessage, c.Message != nil},
		{fieldKey, c.Key != ""},
		{fieldConn, c.Conn != ""},
		{fieldCode, c.Code != 0},
		{fieldReason, c.Reason != ""},
		{fieldLimit, c.Limit != 0},
		{fieldAfter, c.After != ""},
	} {
		if one.set {
			f |= one.field
		}
	}
	return f
}
